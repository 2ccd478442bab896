"""A kubeconfig of the stack's own; ~/.kube/config is never touched."""

import json

CONTEXT = "sockshop"
RAW = "raw"
"""`kubectl --context raw get --raw PATH`."""


def kubeconfig_text(server: str, token: str, namespace: str) -> str:
    """A kubeconfig whose current context leads to *server* with *token* and stands in *namespace* (as JSON).

    The token stands twice. kubectl sends no account over plain HTTP (client-go, clientcmd.ClientConfig: "only try to
    read the auth information if we are secure"), and its WebSockets refuse one in front of the host, so it stands in
    the address's path; every other client sends the user's token too. `kubectl get --raw` leaves an address's path
    out and keeps what stands before the host: for that alone there is a context of its own.
    """
    addresses = {CONTEXT: f"{server}/as/{token}", RAW: server.replace("http://", f"http://oddsock:{token}@", 1)}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": CONTEXT,
        "clusters": [{"name": name, "cluster": {"server": address}} for name, address in addresses.items()],
        "users": [{"name": CONTEXT, "user": {"token": token}}],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": CONTEXT, "namespace": namespace}} for name in addresses
        ],
    }
    return json.dumps(document, indent=2) + "\n"
