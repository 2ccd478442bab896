"""lightkube on a shop that is up: list, watch, scale, logs (it has no exec). Run with a kubeconfig's path."""

import sys

from lightkube import Client, KubeConfig
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

NAMESPACE = "sock-shop"


def main(kubeconfig: str) -> None:
    """Do the four things and print what each gave."""
    client = Client(KubeConfig.from_file(kubeconfig), namespace=NAMESPACE)
    pods = list(client.list(Pod, labels={"name": "catalogue"}))
    print("list", len(pods), pods[0].status.phase if pods[0].status else "")
    scale = Deployment.Scale(metadata=ObjectMeta(name="catalogue", namespace=NAMESPACE), spec=ScaleSpec(replicas=2))
    client.replace(scale, "catalogue")
    for _event, seen in client.watch(Deployment, fields={"metadata.name": "catalogue"}):
        if seen.status and seen.status.readyReplicas == 2:
            print("watch", 2)
            break
    spec = client.get(Deployment.Scale, "catalogue").spec
    print("scale", spec.replicas if spec else None)
    name = pods[0].metadata.name if pods[0].metadata else ""
    print("logs", any("transport=HTTP" in line for line in client.log(str(name))))
    client.replace(
        Deployment.Scale(metadata=ObjectMeta(name="catalogue", namespace=NAMESPACE), spec=ScaleSpec(replicas=1)),
        "catalogue",
    )


main(sys.argv[1])
