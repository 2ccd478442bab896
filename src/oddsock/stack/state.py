"""stack.json: what is up, under which process, and where it answers. A folder a stack: <home>/stacks/<name>/."""

import json
import re
from pathlib import Path
from types import GenericAlias
from typing import Any, Literal, NamedTuple

from oddsock.kit import processes
from oddsock.kit.errors import CannotRun, UsageError
from oddsock.kit.files import write_whole

DEFAULT_NAME = "sockshop"
STATE_FILE = "stack.json"

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


# No Structs: importing msgspec is a quarter of what `oddsock up` does before it starts the control plane.
class Child(NamedTuple):
    """A process of a stack beside its control plane, with which it ends."""

    name: str
    pid: int
    started_at: float

    @property
    def is_alive(self) -> bool:
        """Whether it runs still."""
        return processes.is_alive(self.pid, self.started_at)


class StackState(NamedTuple):
    """A stack as it was written down; whether it still lives is asked of the processes."""

    name: str
    state: Literal["starting", "running"]
    pid: int
    pid_started_at: float
    started_at: str
    server: str
    kubeconfig: str
    storefront: str
    services: dict[str, str]
    speed: float
    mode: str
    namespace: str
    log: str
    kept_by: Literal["terminal", "itself", "drill"]
    telemetry: str = ""
    """The URL of its telemetry, the host of any Datadog client; empty without."""
    console: str = ""
    """The URL of its console; empty without."""
    children: tuple[Child, ...] = ()

    @property
    def is_alive(self) -> bool:
        """Whether the control plane that this state names still runs (its id may be another's by now)."""
        return processes.is_alive(self.pid, self.pid_started_at)


def check_name(name: str) -> str:
    """*name* when it can name a stack; UsageError otherwise."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a stack.", "Use up to 40 small letters, digits and dashes, no dash at the ends."
        )
    return name


def folder(home: Path, name: str) -> Path:
    """The folder of stack *name*."""
    return home / "stacks" / check_name(name)


def read_state(home: Path, name: str) -> StackState | None:
    """What is written about stack *name*, alive or not; None when nothing is; CannotRun when it cannot be read."""
    path = folder(home, name) / STATE_FILE
    try:
        told = path.read_bytes()
    except FileNotFoundError:
        return None
    if not told:
        # What a power cut may leave.
        return None
    import msgspec

    child = msgspec.defstruct("ChildFile", Child.__annotations__.items())
    fields: dict[str, Any] = {**StackState.__annotations__, "children": GenericAlias(tuple, (child, ...))}
    rows = [(field, type_, StackState._field_defaults.get(field, msgspec.NODEFAULT)) for field, type_ in fields.items()]
    shape = msgspec.defstruct("StackFile", rows)
    try:
        found = msgspec.structs.asdict(msgspec.json.decode(told, type=shape))
        children = tuple(Child(**msgspec.structs.asdict(row)) for row in found["children"])
        return StackState(**{**found, "children": children})
    except msgspec.DecodeError as cause:
        raise CannotRun(
            f"{path} cannot be read: {cause}.", f"Remove the folder {path.parent} if no stack runs."
        ) from cause


def as_document(state: StackState) -> dict[str, Any]:
    """*state* as JSON shows it."""
    return {**state._asdict(), "children": [child._asdict() for child in state.children]}


def write_state(home: Path, state: StackState) -> None:
    """Put *state* where `read_state` finds it."""
    path = folder(home, state.name) / STATE_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    # A stack does not survive a power cut, so neither need this: `up` would wait for the disk twice.
    write_whole(path, json.dumps(as_document(state), indent=2) + "\n", durable=False)


def forget(home: Path, name: str) -> None:
    """Take the state of stack *name* away; what its volumes and logs hold stays."""
    (folder(home, name) / STATE_FILE).unlink(missing_ok=True)


def find(home: Path, name: str = DEFAULT_NAME) -> StackState | None:
    """The living stack *name*, or None."""
    state = read_state(home, name)
    return state if state is not None and state.is_alive else None


def require(home: Path, name: str = DEFAULT_NAME) -> StackState:
    """The living, started stack *name*; CannotRun says whether it never was, is starting, or died."""
    state = read_state(home, name)
    if state is None:
        raise CannotRun(f"No stack named {name} is up.", "Start one with `oddsock up --detach`.")
    if not state.is_alive:
        raise CannotRun(
            f"The control plane of stack {name} (process {state.pid}) is dead; everything it ran ended with it.",
            f"See {state.log}, then start it again with `oddsock up`.",
        )
    if state.state == "starting":
        raise CannotRun(f"Stack {name} is still starting.", "Try again in a few seconds.")
    return state


def living(home: Path) -> list[StackState]:
    """Every living stack under *home*, by name."""
    found = (find(home, path.parent.name) for path in sorted((home / "stacks").glob(f"*/{STATE_FILE}")))
    return [state for state in found if state is not None]
