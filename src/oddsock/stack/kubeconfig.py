"""A kubeconfig of the stack's own; ~/.kube/config is never touched."""

import json

CONTEXT = "sockshop"


def kubeconfig_text(server: str, token: str, namespace: str) -> str:
    """A kubeconfig whose one context leads to *server* with *token* and stands in *namespace* (JSON, which is YAML)."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": {"server": server}}],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": namespace}}],
    }
    return json.dumps(document, indent=2) + "\n"
