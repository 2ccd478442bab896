"""clients/sockshop."""
