"""cluster/controllers."""
