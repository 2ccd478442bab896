"""The monitors of a store: made, changed, muted, taken away, each kept as it was given and parsed once."""

from collections.abc import Callable
from typing import Any

from oddsock.kit.clock import Clock, iso
from oddsock.kit.errors import UsageError
from oddsock.telemetry.monitors.definition import Definition, read_definition
from oddsock.telemetry.store.documents import Documents

KIND, COUNTER = "monitor", "monitor_counter"
MONITORS_MAX = 1000
FIRST_ID = 1001

_DEFAULTS: dict[str, Any] = {
    "message": "",
    "name": "",
    "tags": [],
    "priority": None,
    "restricted_roles": None,
}
_OPTIONS: dict[str, Any] = {
    "notify_no_data": False,
    "notify_audit": False,
    "include_tags": True,
    "new_host_delay": 300,
    "silenced": {},
}
_OURS = ("id", "created", "modified", "deleted", "creator", "org_id", "multi", "overall_state", "state", "oddsock")
"""Fields that the server says and no client; they are dropped from what is posted, so that an export may be posted."""

_SAME_TYPES = frozenset({"metric alert", "query alert"})


class Roster:
    """Every monitor by its id."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._definitions = {document["id"]: _read_kept(document) for document in documents.list(KIND)}

    def definitions(self) -> list[Definition]:
        """Every monitor that may be evaluated, oldest first."""
        return [found for found in self._definitions.values() if found is not None]

    def definition(self, monitor_id: int) -> Definition | None:
        """One monitor as it is evaluated, None when there is none."""
        return self._definitions.get(monitor_id)

    def documents(self) -> list[dict[str, Any]]:
        """Every monitor as JSON, oldest first."""
        return self._documents.list(KIND)

    def document(self, monitor_id: int) -> dict[str, Any] | None:
        """One monitor as JSON, None when there is none."""
        return self._documents.get(KIND, str(monitor_id))

    def check(self, document: dict[str, Any]) -> Definition:
        """What *document* would be as a monitor; UsageError when it cannot be one."""
        definition = read_definition(document)
        self._check_parts(definition)
        return definition

    def create(self, document: dict[str, Any]) -> dict[str, Any]:
        """Keep a new monitor and return it with its id; UsageError when it cannot be one or there are too many."""
        self.check(document)
        if len(self._definitions) >= MONITORS_MAX:
            raise UsageError(f"There are {MONITORS_MAX} monitors, which are the most: delete one first.")
        monitor_id, now = self._next_id(), iso(self._clock.now())
        ours = {
            "id": monitor_id,
            "org_id": 1,
            "created": now,
            "modified": now,
            "deleted": None,
            "creator": {"name": "oddsock", "email": "oddsock@localhost", "handle": "oddsock@localhost"},
        }
        return self._keep({**_DEFAULTS, **_without_ours(document), **ours})

    def update(self, monitor_id: int, changes: dict[str, Any]) -> dict[str, Any] | None:
        """Change a monitor's given fields, options one by one; None when there is none, UsageError when it is wrong."""
        before = self.document(monitor_id)
        if before is None:
            return None
        fields = _without_ours(changes)
        if (
            "type" in fields
            and fields["type"] != before["type"]
            and not {fields["type"], before["type"]} <= _SAME_TYPES
        ):
            raise UsageError(f"The type of a monitor does not change: this one is a {before['type']}.")
        options = fields.get("options")
        if isinstance(options, dict):
            fields["options"] = {**before["options"], **options}
        return self._keep({**before, **fields, "modified": iso(self._clock.now())})

    def delete(self, monitor_id: int) -> bool:
        """Take a monitor away; False when there is none."""
        self._definitions.pop(monitor_id, None)
        return self._documents.delete(KIND, str(monitor_id))

    def users_of(self, monitor_id: int) -> list[int]:
        """The composite monitors that name *monitor_id*."""
        return [one.id for one in self.definitions() if monitor_id in one.parts]

    def mute(self, monitor_id: int, change: Callable[[dict[str, Any]], object]) -> dict[str, Any] | None:
        """Let *change* alter a monitor's `options.silenced`; None when there is none."""
        before = self.document(monitor_id)
        if before is None:
            return None
        silenced = dict(before["options"].get("silenced") or {})
        change(silenced)
        return self.update(monitor_id, {"options": {"silenced": silenced}})

    def _keep(self, document: dict[str, Any]) -> dict[str, Any]:
        definition = read_definition(document, document["id"])
        self._check_parts(definition)
        limits = {
            name: value
            for name in ("critical", "warning", "critical_recovery", "warning_recovery", "ok", "unknown")
            if (value := getattr(definition.thresholds, name)) is not None
        }
        whole = {
            **document,
            "options": {**_OPTIONS, **({"thresholds": limits} if limits else {}), **(document.get("options") or {})},
            "multi": definition.is_grouped,
        }
        self._documents.put(KIND, str(document["id"]), whole)
        self._definitions[document["id"]] = definition
        return whole

    def _check_parts(self, definition: Definition) -> None:
        for part in definition.parts:
            if part == definition.id:
                raise UsageError("A composite monitor cannot name itself.")
            named = self._definitions.get(part)
            if named is None:
                raise UsageError(f"The composite names monitor {part}, which does not exist.")
            if named.parts:
                raise UsageError(f"The composite names monitor {part}, which is a composite itself.")

    def _next_id(self) -> int:
        last = (self._documents.get(COUNTER, "last") or {"id": FIRST_ID - 1})["id"]
        self._documents.put(COUNTER, "last", {"id": last + 1})
        return int(last) + 1


def _without_ours(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in _OURS}


def _read_kept(document: dict[str, Any]) -> Definition | None:
    try:
        return read_definition(document, document["id"])
    except UsageError:
        # Kept by an older version that took it; it is still shown, as a monitor without data.
        return None
