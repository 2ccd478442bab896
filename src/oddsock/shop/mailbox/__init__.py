"""mailbox: an SMTP server that keeps every notice and shows them over HTTP."""
