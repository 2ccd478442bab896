"""The Kubernetes API of the one-machine cluster: routes, discovery, objects, watches, logs and the service proxy."""
