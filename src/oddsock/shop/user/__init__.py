"""user: customers, their addresses and their cards."""
