"""Volumes of a pod as folders of this machine, and paths inside a container led to them.

There is no chroot: a value or argument that begins with a mount path is rewritten to the volume's real folder.
"""

import base64
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from oddsock.cluster.kinds import Obj
from oddsock.cluster.store import Store
from oddsock.kit.errors import CannotRun


class VolumeNotReady(CannotRun):
    """A pod's volume cannot be mounted yet; its sentence is that of the FailedMount event."""


class Volumes:
    """Folders of volumes: claims under <root>/volumes, which stay, and everything else under the pod's own folder."""

    def __init__(self, root: Path, store: Store) -> None:
        self._claims = root / "volumes"
        self._pods = root / "pods"
        self._store = store

    def mount(self, pod: Obj) -> dict[str, Path]:
        """The folder of every volume of *pod* by name, made if absent; VolumeNotReady when something is missing."""
        return {volume["name"]: self._folder(pod, volume) for volume in pod["spec"].get("volumes") or ()}

    def pod_folder(self, uid: str) -> Path:
        """The folder that belongs to pod *uid* and goes with it."""
        return self._pods / uid

    def forget(self, uid: str) -> None:
        """Remove the folder of pod *uid*; claims stay."""
        shutil.rmtree(self.pod_folder(uid), ignore_errors=True)

    def _folder(self, pod: Obj, volume: Obj) -> Path:
        meta, name = pod["metadata"], volume["name"]
        own: Path = self.pod_folder(meta["uid"]) / "volumes" / name
        if claim := volume.get("persistentVolumeClaim"):
            own = self._claim_folder(meta["namespace"], claim["claimName"])
        elif source := volume.get("configMap"):
            self._write_map(own, "ConfigMap", meta["namespace"], source, source["name"])
        elif source := volume.get("secret"):
            self._write_map(own, "Secret", meta["namespace"], source, source["secretName"])
        elif "hostPath" in volume:
            own = Path(volume["hostPath"]["path"])
        elif "emptyDir" not in volume and set(volume) != {"name"}:
            kind = next(key for key in volume if key != "name")
            raise VolumeNotReady(
                f'MountVolume.SetUp failed for volume "{name}" : this cluster has no {kind} volumes',
                "Use persistentVolumeClaim, emptyDir, configMap, secret or hostPath.",
            )
        own.mkdir(parents=True, exist_ok=True)
        return own

    def _claim_folder(self, namespace: str, claim: str) -> Path:
        found = self._store.find("PersistentVolumeClaim", namespace, claim)
        if found is None:
            raise VolumeNotReady(f'persistentvolumeclaim "{claim}" not found')
        if "deletionTimestamp" in found["metadata"]:
            raise VolumeNotReady(f'persistentvolumeclaim "{claim}" is being deleted')
        return self._claims / namespace / claim

    def _write_map(self, folder: Path, kind: str, namespace: str, source: Obj, name: str) -> None:
        found = self._store.find(kind, namespace, name)
        folder.mkdir(parents=True, exist_ok=True)
        if found is None:
            if source.get("optional"):
                return
            raise VolumeNotReady(f'MountVolume.SetUp failed for volume : {kind.lower()} "{name}" not found')
        content = map_bytes(found)
        chosen = {item["key"]: item["path"] for item in source.get("items") or ()} or {key: key for key in content}
        for key, path in chosen.items():
            target = folder / path
            if not target.resolve().is_relative_to(folder.resolve()):
                raise VolumeNotReady(f'MountVolume.SetUp failed for volume : path "{path}" leaves the volume')
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.get(key, b""))


def map_bytes(obj: Obj) -> dict[str, bytes]:
    """What a ConfigMap or Secret holds."""
    plain = obj.get("stringData" if obj["kind"] == "Secret" else "data") or {}
    coded = obj.get("data" if obj["kind"] == "Secret" else "binaryData") or {}
    return {
        **{key: base64.b64decode(value) for key, value in coded.items()},
        **{key: str(value).encode() for key, value in plain.items()},
    }


def mounts(container: Obj, folders: Mapping[str, Path]) -> dict[str, Path]:
    """The real folder of every mount path of *container*."""
    return {
        row["mountPath"].rstrip("/") or "/": folders[row["name"]] / row.get("subPath", "")
        for row in container.get("volumeMounts") or ()
        if row["name"] in folders
    }


def led(text: str, mounted: Mapping[str, Path]) -> str:
    """*text* with a mount path at its begin replaced by the volume's folder; the longest mount path wins.

    >>> led("/books/orders.db", {"/books": Path("/srv/volumes/orders")})
    '/srv/volumes/orders/orders.db'
    >>> led("/bookshop", {"/books": Path("/srv/volumes/orders")})
    '/bookshop'
    """
    for path in sorted(mounted, key=len, reverse=True):
        if text == path or text.startswith(path + "/"):
            return str(mounted[path]) + text[len(path) :]
    return text


def all_led(texts: Iterable[str], mounted: Mapping[str, Path]) -> list[str]:
    """Every text of *texts* led."""
    return [led(text, mounted) for text in texts]
