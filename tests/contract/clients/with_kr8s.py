"""kr8s on a shop that is up: list, watch, scale, logs, exec. Run with a kubeconfig's path."""

import sys

import kr8s
from kr8s.objects import Deployment

NAMESPACE = "sock-shop"


def main(kubeconfig: str) -> None:
    """Do the five things and print what each gave."""
    api = kr8s.api(kubeconfig=kubeconfig, namespace=NAMESPACE)
    pods = list(api.get("pods", namespace=NAMESPACE, label_selector="name=catalogue"))
    print("list", len(pods), pods[0].status.phase)
    deployment = Deployment.get("catalogue", namespace=NAMESPACE, api=api)
    deployment.scale(2)
    for _event, seen in api.watch("deployments", namespace=NAMESPACE, field_selector="metadata.name=catalogue"):
        if seen.status.get("readyReplicas", 0) == 2:
            print("watch", 2)
            break
    deployment.refresh()
    print("scale", deployment.replicas)
    print("logs", any("transport=HTTP" in line for line in pods[0].logs()))
    said = pods[0].exec(["curl", "-s", "http://payment:80/health"])
    print("exec", b"payment" in said.stdout)
    deployment.scale(1)


main(sys.argv[1])
