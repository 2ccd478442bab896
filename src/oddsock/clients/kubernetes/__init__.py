"""clients/kubernetes."""
