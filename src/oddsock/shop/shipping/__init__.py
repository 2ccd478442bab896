"""shipping: takes parcels into a durable queue; its second half, queue-master, takes them out again."""
