"""The documents of data/manifests/, in the order they can be made, and what they wait for."""

import base64
import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import oddsock
from oddsock.kit.errors import UsageError

ADDRESS = "oddsock.dev/address"
"""The annotation of a Service that says where its first port is really listened on."""

STARTS_WITH = "oddsock.dev/starts-with"
"""The annotation of a Deployment without replicas that is started where a switch has this value: `NAME=value`."""

SECRETS = {"WEBHOOK_SECRET": "whsec_", "GATEWAY_KEY": "sk_test_"}
"""Variables that a stack fills in where the manifests leave them empty, and how their values begin."""

SUFFIXES = (".yaml", ".yml")
_MANIFESTS = Path(oddsock.__file__).parent / "data" / "manifests"
_FIRST = ("Namespace", "ServiceAccount", "ConfigMap", "Secret", "PersistentVolumeClaim", "Service")
"""A Service before the Deployments: a pod's environment names the Services that were there when it started."""


def documents(
    shop: str = "sock-shop", switches: Mapping[str, str] | None = None, cache: Path | None = None
) -> list[dict[str, Any]]:
    """Every document of data/manifests/*shop*, namespaces first, workloads last; *switches* as `set_switches` does.

    What was read is kept in the file *cache*, if there is to be one, for as long as the manifests do not change.
    """
    files = sorted(
        (each for each in (_MANIFESTS / shop).iterdir() if each.suffix in SUFFIXES), key=lambda one: one.name
    )
    # Reading YAML takes longer than all else that a command does before its control plane starts.
    stamp = [[str(each), each.stat().st_mtime_ns, each.stat().st_size] for each in files]
    found = _from_cache(cache, stamp) if cache is not None else None
    if found is None:
        found = _read(files)
        if cache is not None:
            _into_cache(cache, stamp, found)
    set_switches(found, switches or {})
    return sorted(found, key=_rank)


def _from_cache(cache: Path, stamp: list[list[Any]]) -> list[dict[str, Any]] | None:
    try:
        kept = json.loads(cache.read_bytes())
        return list(kept["documents"]) if kept["stamp"] == stamp else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _into_cache(cache: Path, stamp: list[list[Any]], found: list[dict[str, Any]]) -> None:
    # It only saves time: a full disk is told where something is lost by it.
    with contextlib.suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = cache.with_name(f".{cache.name}.{os.getpid()}")
        unfinished.write_text(json.dumps({"stamp": stamp, "documents": found}), encoding="utf-8")
        unfinished.replace(cache)


def _read(files: Sequence[Path]) -> list[dict[str, Any]]:
    import yaml

    # libyaml reads the manifests ten times as fast; it is absent from some builds.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[dict[str, Any]] = []
    for file in files:
        found += filter(None, yaml.load_all(file.read_text(encoding="utf-8"), Loader=loader))
    return found


def set_switches(found: list[dict[str, Any]], switches: Mapping[str, str]) -> None:
    """Give each variable of *switches* its value in every deployment of *found* that names it; UsageError if none."""
    rows = [
        row
        for document in found
        if document["kind"] == "Deployment"
        for container in document["spec"]["template"]["spec"]["containers"]
        for row in container.get("env", [])
    ]
    for name, value in switches.items():
        theirs = [row for row in rows if row["name"] == name]
        if not theirs:
            known = ", ".join(sorted({row["name"] for row in rows}))
            raise UsageError(f"No deployment of the shop has a switch {name}.", f"There are {known}.")
        for row in theirs:
            row["value"] = value
        for document in found:
            if document["metadata"].get("annotations", {}).get(STARTS_WITH) == f"{name}={value}":
                document["spec"]["replicas"] = 1


def set_secrets(found: list[dict[str, Any]]) -> None:
    """Give each variable of SECRETS that is empty in a deployment of *found* one new random value for them all."""
    values = {name: start + base64.b64encode(os.urandom(24)).decode() for name, start in SECRETS.items()}
    for document in found:
        if document["kind"] == "Deployment":
            for container in document["spec"]["template"]["spec"]["containers"]:
                for row in container.get("env", []):
                    if row["name"] in values and not row["value"]:
                        row["value"] = values[row["name"]]


def deployment_names(shop: str = "sock-shop") -> list[str]:
    """The names of the deployments that the manifests of *shop* make."""
    return [document["metadata"]["name"] for document in documents(shop) if document["kind"] == "Deployment"]


def _rank(document: dict[str, Any]) -> int:
    kind = document["kind"]
    return _FIRST.index(kind) if kind in _FIRST else len(_FIRST)


def service_urls(services: list[dict[str, Any]]) -> dict[str, str]:
    """Service name to the URL it answers at, for those of *services* that say where they are listened on."""
    addresses = {one["metadata"]["name"]: one["metadata"].get("annotations", {}).get(ADDRESS, "") for one in services}
    return {name: f"http://{address}" for name, address in sorted(addresses.items()) if address}


def last_warning(events: list[dict[str, Any]], names: list[str]) -> str:
    """The end of a sentence with the newest warning of *events* about one of *names* or its pods; empty without one."""
    about = [
        event
        for event in events
        if event.get("type") == "Warning" and event["involvedObject"].get("name", "").startswith(tuple(names))
    ]
    newest = max(about, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""), default=None)
    return f" ({newest['involvedObject']['name']}: {newest.get('message', '').strip().rstrip('.')})" if newest else ""


def is_available(deployment: dict[str, Any]) -> bool:
    """Whether every replica that *deployment* asks for is available, by what its status says of its newest spec."""
    wanted = deployment["spec"].get("replicas", 1)
    status = deployment.get("status", {})
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    return bool(seen and status.get("availableReplicas", 0) >= wanted)
