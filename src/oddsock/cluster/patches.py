"""The three patches of the Kubernetes API: JSON Patch, JSON Merge Patch, and Strategic Merge Patch.

RFC 6902, RFC 7386, and for the third
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "secrets": "name",
    "hostAliases": "ip",
    "podIPs": "ip",
    "hostIPs": "ip",
    "conditions": "type",
    "ownerReferences": "uid",
    "topologySpreadConstraints": "topologyKey",
}
_SETS = frozenset({"finalizers"})


def merge_keys(path: str) -> str:
    """What identifies elements of the list at dotted *path* (`.spec.ports`); empty when it is replaced whole."""
    name = path.rsplit(".", 1)[-1]
    if name == "ports":
        # Containers' ports go by containerPort, a Service's by port.
        return "containerPort" if "ontainers." in path else "port" if path == ".spec.ports" else ""
    if name == "addresses":
        return "type" if path == ".status.addresses" else ""
    return _MERGE_KEYS.get(name, "")
