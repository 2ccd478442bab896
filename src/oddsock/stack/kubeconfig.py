"""A kubeconfig of the stack's own; ~/.kube/config is never touched."""

import json

CONTEXT = "sockshop"


def kubeconfig_text(server: str, token: str, namespace: str) -> str:
    """A kubeconfig whose one context leads to *server* with *token* and stands in *namespace* (JSON, which is YAML).

    The token stands twice. kubectl sends no account over plain HTTP (client-go, clientcmd.ClientConfig: "only try to
    read the auth information if we are secure"), and its WebSockets refuse one in front of the host, so it stands in
    the address's path; every other client sends the user's token too.
    """
    address = f"{server}/as/{token}"
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
