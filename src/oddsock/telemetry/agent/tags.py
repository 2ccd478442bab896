"""The tags that a Datadog Agent gives to a pod and its containers, and `deployment` as an alias of `kube_deployment`.

Source: https://docs.datadoghq.com/containers/kubernetes/tag/. `deployment` is the tag of the old kubernetes_state
check, which the incident report still filters by.
"""

import re
from typing import Any

Obj = dict[str, Any]

_GENERATED = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5}")
_HASH = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{6,10}|-[0-9a-f]{6,10}")


def image_parts(image: str) -> tuple[str, str, str]:
    """(image_name, short_image, image_tag) of *image*.

    >>> image_parts("oddsock/sock-shop-orders:0.4.7")
    ('oddsock/sock-shop-orders', 'sock-shop-orders', '0.4.7')
    """
    name, _, _ = image.partition("@")
    head, slash, last = name.rpartition("/")
    repository, _, tag = last.partition(":")
    return f"{head}{slash}{repository}", repository, tag


def deployment_of(replica_set: str) -> str:
    """The deployment that a ReplicaSet's name tells, empty when it tells none.

    >>> deployment_of("front-end-7d9c8b6f5d")
    'front-end'
    """
    name, dash, end = replica_set.rpartition("-")
    return name if dash and _HASH.fullmatch(f"-{end}") else ""


def named_after(pod: str) -> str:
    """The deployment that the name of a *pod* tells, empty when it tells none.

    >>> named_after("payment-7d9c8b6f5d-x2v4k")
    'payment'
    """
    replica_set, dash, end = pod.rpartition("-")
    return deployment_of(replica_set) if dash and _GENERATED.fullmatch(f"-{end}") else ""


def owner_tags(pod: Obj) -> list[str]:
    """Tags of a pod that all pods of its deployment share: namespace, owner, deployment."""
    meta = pod["metadata"]
    tags = [f"kube_namespace:{meta.get('namespace', 'default')}"]
    owner = next((one for one in meta.get("ownerReferences") or () if one.get("controller")), None)
    if owner is not None:
        tags.append(f"kube_ownerref_kind:{owner['kind'].lower()}")
        if owner["kind"] == "ReplicaSet" and (name := deployment_of(owner["name"])):
            tags += deployment_tags(name)
    return tags


def deployment_tags(name: str) -> list[str]:
    """A deployment under its tag and under its alias."""
    return [f"kube_deployment:{name}", f"deployment:{name}"]


def pod_tags(pod: Obj) -> list[str]:
    """Tags of one pod: those of its owner, its own name, its ReplicaSet and its node."""
    meta, tags = pod["metadata"], owner_tags(pod)
    tags.append(f"pod_name:{meta['name']}")
    owner = next((one for one in meta.get("ownerReferences") or () if one.get("controller")), None)
    if owner is not None:
        tags.append(f"kube_ownerref_name:{owner['name']}")
        if owner["kind"] == "ReplicaSet":
            tags.append(f"kube_replica_set:{owner['name']}")
    if node := pod["spec"].get("nodeName"):
        tags.append(f"kube_node:{node}")
    return tags


def container_tags(pod: Obj, container: str) -> list[str]:
    """Tags of one container of *pod* by its name: the pod's, the container's own, its image's, its service."""
    image, identity = "", ""
    for one in [*(pod["spec"].get("containers") or ()), *(pod["spec"].get("initContainers") or ())]:
        if one["name"] == container:
            image = str(one.get("image", ""))
    for row in (pod.get("status") or {}).get("containerStatuses") or ():
        if row.get("name") == container:
            identity = str(row.get("containerID") or "").rpartition("://")[2]
    tags = [*pod_tags(pod), f"kube_container_name:{container}", f"container_name:{container}"]
    tags.append(f"display_container_name:{container}_{pod['metadata']['name']}")
    if identity:
        tags.append(f"container_id:{identity}")
    if image:
        name, short, tag = image_parts(image)
        tags += [f"image_name:{name}", f"short_image:{short}", f"service:{short}"]
        tags += [f"image_tag:{tag}"] if tag else []
    return tags


def value_of(tags: list[str], key: str) -> str:
    """The value of the first tag *key*, empty without it."""
    return next((tag.partition(":")[2] for tag in tags if tag.partition(":")[0] == key), "")
