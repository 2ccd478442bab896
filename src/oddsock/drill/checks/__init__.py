"""drill/checks."""
