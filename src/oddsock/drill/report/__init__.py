"""drill/report."""
