"""`python -m oddsock.shop <service> [-port=8080 ...]`: runs one service of the shop; imports only that one."""

import importlib
import sys

SERVICES = {
    "front-end": "front_end",
    "catalogue": "catalogue",
    "carts": "carts",
    "user": "user",
    "orders": "orders",
    "payment": "payment",
    "shipping": "shipping",
    "mailbox": "mailbox",
    "gateway": "gateway",
}


def main(arguments: list[str]) -> int:
    """Run the service named by the first argument until SIGTERM or SIGINT; answers the exit code."""
    name = arguments[0] if arguments else ""
    if name not in SERVICES:
        sys.stderr.write(f"There is no service named {name!r}. Choose one of {', '.join(SERVICES)}.\n")
        return 2
    api = importlib.import_module(f"oddsock.shop.{SERVICES[name]}.api")
    service = importlib.import_module("oddsock.shop.service")
    return int(service.run(name, api.PORT, api.build, arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
