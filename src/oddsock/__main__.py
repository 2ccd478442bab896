"""`python -m oddsock` is the command `oddsock`."""

from oddsock.cli import main

if __name__ == "__main__":
    main()
