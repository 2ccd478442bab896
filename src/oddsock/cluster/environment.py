"""The environment of a container: a small clean one, its Services, what the manifest says, and what we tell a pod.

Order and `$(NAME)` expansion follow Kubernetes: https://kubernetes.io/docs/tasks/inject-data-application/
"""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from oddsock.cluster.kinds import Obj
from oddsock.cluster.store import Store
from oddsock.cluster.volumes import led, map_bytes
from oddsock.kit.errors import CannotRun

INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "SSL_CERT_FILE")
"""What of the machine's environment a pod sees; everything else stays outside."""
PROGRAMS = Path(__file__).with_name("programs")
"""Scripts that stand for programs a machine may not have."""

_REFERENCE = re.compile(r"\$(\$|\(([A-Za-z_][A-Za-z0-9_.-]*)\))")
_INDEXED = re.compile(r"^metadata\.(labels|annotations)\['(.+)'\]$")


class BadConfiguration(CannotRun):
    """A container's environment names something that is not there (CreateContainerConfigError)."""


def machine_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a pod inherits, with Python's output unbuffered so that its log lines arrive when they are written.

    The programs of our own stand last on its PATH: for machines that have none of that name.
    """
    inherited = {name: environment[name] for name in INHERITED if name in environment}
    path = os.pathsep.join([inherited.get("PATH", os.defpath), str(PROGRAMS)])
    return {**inherited, "PATH": path, "ODDSOCK_PYTHON": sys.executable, "PYTHONUNBUFFERED": "1"}


def container_environment(
    pod: Obj, container: Obj, store: Store, services: Mapping[str, str], mounted: Mapping[str, Path]
) -> dict[str, str]:
    """The manifest's variables of *container* over *services*; BadConfiguration when a source is missing."""
    own: dict[str, str] = {}
    namespace = pod["metadata"]["namespace"]
    for row in container.get("envFrom") or ():
        kind = "ConfigMap" if "configMapRef" in row else "Secret"
        source = row.get("configMapRef") or row.get("secretRef") or {}
        found = _source(store, kind, namespace, source)
        own.update({row.get("prefix", "") + key: value for key, value in found.items()})
    for row in container.get("env") or ():
        if (source := row.get("valueFrom")) is None:
            own[row["name"]] = led(expanded(row.get("value") or "", {**services, **own}), mounted)
        elif (value := _value_from(pod, store, source)) is not None:
            own[row["name"]] = value
    return {**services, **own}


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """*text* with `$(NAME)` replaced by known variables; unknown ones stay, `$$` is a dollar.

    >>> expanded("http://$(HOST)/$(NO)/$$(HOST)", {"HOST": "payment"})
    'http://payment/$(NO)/$(HOST)'
    """

    def value(found: re.Match[str]) -> str:
        if found.group(1) == "$":
            return "$"
        return variables.get(found.group(2), found.group(0))

    return _REFERENCE.sub(value, text)


def _value_from(pod: Obj, store: Store, source: Obj) -> str | None:
    if field := source.get("fieldRef"):
        return field_value(pod, field["fieldPath"])
    if "resourceFieldRef" in source:
        return "0"
    kind = "ConfigMap" if "configMapKeyRef" in source else "Secret"
    reference = source.get("configMapKeyRef") or source.get("secretKeyRef") or {}
    found = _source(store, kind, pod["metadata"]["namespace"], reference)
    if reference["key"] not in found:
        if reference.get("optional"):
            return None
        raise BadConfiguration(f"couldn't find key {reference['key']} in {kind} {reference['name']}")
    return found[reference["key"]]


def _source(store: Store, kind: str, namespace: str, reference: Obj) -> dict[str, str]:
    found = store.find(kind, namespace, reference["name"])
    if found is None:
        if reference.get("optional"):
            return {}
        raise BadConfiguration(f'{kind.lower()} "{reference["name"]}" not found')
    return {key: value.decode(errors="replace") for key, value in map_bytes(found).items()}


def field_value(pod: Obj, path: str) -> str:
    """The downward API's value of *path*; BadConfiguration when there is no such field."""
    meta, status = pod["metadata"], pod.get("status") or {}
    if found := _INDEXED.match(path):
        return str((meta.get(found.group(1)) or {}).get(found.group(2), ""))
    known: dict[str, str] = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta["uid"],
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", "default"),
        "status.podIP": status.get("podIP", ""),
        "status.hostIP": status.get("hostIP", ""),
    }
    if path not in known:
        raise BadConfiguration(f"unsupported fieldPath: {path}")
    return known[path]
