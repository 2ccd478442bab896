"""carts: what every customer, known or not, has put aside."""
