"""drill/faults."""
