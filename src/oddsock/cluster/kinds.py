"""The one table of kinds this cluster serves; discovery, the store, the routes and server-side tables all read it."""

from dataclasses import dataclass
from typing import Any

Obj = dict[str, Any]
"""A Kubernetes object as its JSON says it."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a server-side table; *wide* ones are shown by `-o wide` only (priority 1 on the wire)."""

    name: str
    wide: bool = False
    type: str = "string"


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: how a kind is called on the wire and what it can do."""

    group: str
    version: str
    name: str
    plural: str
    singular: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    categories: tuple[str, ...] = ()
    scalable: bool = False
    """Has the `/scale` subresource."""
    has_status: bool = True
    """Has the `/status` subresource, so that an update of the object leaves its status alone."""
    counts_generation: bool = False
    """Bumps metadata.generation when its spec changes."""
    is_view: bool = False
    """Is another spelling of a kind stored under the same name (events.k8s.io of core events)."""
    columns: tuple[Column, ...] = ()

    @property
    def api_version(self) -> str:
        """`v1`, `apps/v1`, ..."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The plural with its group, as error texts name it: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def _columns(text: str) -> tuple[Column, ...]:
    # "Name Age | Labels": blank-separated (underscores stand for blanks), wide ones after the bar.
    narrow, _, wide = text.partition("|")
    return tuple(Column(name.replace("_", " ")) for name in narrow.split()) + tuple(
        Column(name.replace("_", " "), wide=True) for name in wide.split()
    )


_APPS = ("all",)
_EVENT_COLUMNS = _columns("Last_Seen Type Reason Object | Subobject Source Message First_Seen Count Name")
# Message is a narrow column that stands between two wide ones on the real wire.
_EVENT_COLUMNS = tuple(Column(c.name, c.wide and c.name != "Message") for c in _EVENT_COLUMNS)

KINDS: tuple[Kind, ...] = (
    Kind("", "v1", "Namespace", "namespaces", "namespace", ("ns",), False, columns=_columns("Name Status Age")),
    Kind(
        "",
        "v1",
        "Node",
        "nodes",
        "node",
        ("no",),
        False,
        columns=_columns(
            "Name Status Roles Age Version | Internal-IP External-IP OS-Image Kernel-Version Container-Runtime"
        ),
    ),
    Kind(
        "",
        "v1",
        "Pod",
        "pods",
        "pod",
        ("po",),
        categories=_APPS,
        columns=_columns("Name Ready Status Restarts Age | IP Node Nominated_Node Readiness_Gates"),
    ),
    Kind(
        "",
        "v1",
        "Service",
        "services",
        "service",
        ("svc",),
        categories=_APPS,
        columns=_columns("Name Type Cluster-IP External-IP Port(s) Age | Selector"),
    ),
    Kind(
        "",
        "v1",
        "Endpoints",
        "endpoints",
        "endpoints",
        ("ep",),
        has_status=False,
        columns=_columns("Name Endpoints Age"),
    ),
    Kind("", "v1", "Event", "events", "event", ("ev",), has_status=False, columns=_EVENT_COLUMNS),
    Kind(
        "",
        "v1",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        "persistentvolumeclaim",
        ("pvc",),
        columns=_columns(
            "Name Status Volume Capacity Access_Modes StorageClass VolumeAttributesClass Age | VolumeMode"
        ),
    ),
    Kind(
        "", "v1", "ConfigMap", "configmaps", "configmap", ("cm",), has_status=False, columns=_columns("Name Data Age")
    ),
    Kind("", "v1", "Secret", "secrets", "secret", has_status=False, columns=_columns("Name Type Data Age")),
    Kind(
        "",
        "v1",
        "ServiceAccount",
        "serviceaccounts",
        "serviceaccount",
        ("sa",),
        has_status=False,
        columns=_columns("Name Secrets Age"),
    ),
    Kind(
        "apps",
        "v1",
        "Deployment",
        "deployments",
        "deployment",
        ("deploy",),
        categories=_APPS,
        scalable=True,
        counts_generation=True,
        columns=_columns("Name Ready Up-to-date Available Age | Containers Images Selector"),
    ),
    Kind(
        "apps",
        "v1",
        "ReplicaSet",
        "replicasets",
        "replicaset",
        ("rs",),
        categories=_APPS,
        scalable=True,
        counts_generation=True,
        columns=_columns("Name Desired Current Ready Age | Containers Images Selector"),
    ),
    Kind(
        "discovery.k8s.io",
        "v1",
        "EndpointSlice",
        "endpointslices",
        "endpointslice",
        has_status=False,
        counts_generation=True,
        columns=_columns("Name AddressType Ports Endpoints Age"),
    ),
    Kind(
        "events.k8s.io",
        "v1",
        "Event",
        "events",
        "event",
        ("ev",),
        has_status=False,
        is_view=True,
        columns=_EVENT_COLUMNS,
    ),
    Kind(
        "coordination.k8s.io",
        "v1",
        "Lease",
        "leases",
        "lease",
        has_status=False,
        columns=_columns("Name Holder Age"),
    ),
    Kind(
        "oddsock.dev",
        "v1",
        "Fault",
        "faults",
        "fault",
        counts_generation=True,
        columns=_columns("Name Type Target Percent State Hits Age | Message"),
    ),
)

BY_NAME: dict[str, Kind] = {kind.name: kind for kind in KINDS if not kind.is_view}
"""Stored kinds by the name that objects carry in `kind`."""

BY_PATH: dict[tuple[str, str, str], Kind] = {(kind.group, kind.version, kind.plural): kind for kind in KINDS}
"""Served kinds by (group, version, plural)."""
