"""user: customers, their one address and their one card (dialect `power`)."""
