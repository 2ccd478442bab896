"""The stores: each a SQLite file or several, one writer, readers beside it."""
