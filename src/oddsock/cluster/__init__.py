"""A one-machine cluster: the Kubernetes API subset, its controllers, and pods that are processes."""
