"""catalogue: the socks, read from data/socks."""
