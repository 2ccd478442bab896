"""Datadog's HTTP API, the documented subset of it: one file a noun."""
