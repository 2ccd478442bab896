"""The official Python client on a shop that is up: list, watch, scale, logs, exec. Run with a kubeconfig's path."""

import sys

from kubernetes import client, config, watch
from kubernetes.stream import stream

NAMESPACE = "sock-shop"


def main(kubeconfig: str) -> None:
    """Do the five things and print what each gave."""
    config.load_kube_config(kubeconfig)
    core, apps = client.CoreV1Api(), client.AppsV1Api()
    pods = core.list_namespaced_pod(NAMESPACE, label_selector="name=catalogue").items
    print("list", len(pods), pods[0].status.phase)
    listed = apps.list_namespaced_deployment(NAMESPACE)
    apps.patch_namespaced_deployment_scale("catalogue", NAMESPACE, {"spec": {"replicas": 2}})
    counts = []
    changes = watch.Watch()
    for change in changes.stream(
        apps.list_namespaced_deployment,
        NAMESPACE,
        field_selector="metadata.name=catalogue",
        resource_version=listed.metadata.resource_version,
        timeout_seconds=30,
    ):
        counts.append(change["object"].status.ready_replicas or 0)
        if counts[-1] == 2:
            changes.stop()
    print("watch", counts[-1])
    print("scale", apps.read_namespaced_deployment_scale("catalogue", NAMESPACE).spec.replicas)
    print("logs", "transport=HTTP" in core.read_namespaced_pod_log(pods[0].metadata.name, NAMESPACE))
    words = ["curl", "-s", "http://payment:80/health"]
    said = stream(
        core.connect_get_namespaced_pod_exec, pods[0].metadata.name, NAMESPACE, command=words, stdout=True, stderr=True
    )
    print("exec", "payment" in str(said))
    apps.patch_namespaced_deployment_scale("catalogue", NAMESPACE, {"spec": {"replicas": 1}})


main(sys.argv[1])
