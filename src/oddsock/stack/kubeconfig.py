"""A kubeconfig of the stack's own; ~/.kube/config is never touched."""

import json

CONTEXT = "sockshop"
USER = "oddsock"


def kubeconfig_text(server: str, token: str, namespace: str) -> str:
    """A kubeconfig whose one context leads to *server* with *token* and stands in *namespace* (JSON, which is YAML).

    The token stands twice. kubectl sends no account over plain HTTP (client-go, clientcmd.ClientConfig: "only try to
    read the auth information if we are secure") but does send what stands in the address, as Basic; every other client
    sends the user's token.
    """
    address = server.replace("http://", f"http://{USER}:{token}@", 1)
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": {"server": address}}],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": namespace}}],
    }
    return json.dumps(document, indent=2) + "\n"
