"""Where Services are, as curl reads it: a .curlrc of `connect-to` lines, found by CURL_HOME.

https://curl.se/docs/manpage.html#--connect-to
"""

from collections.abc import Iterable

ANSWERED = "svc.cluster.local"


def curl_config(namespace: str, names: Iterable[str]) -> str:
    """The .curlrc for pods of *namespace* from the lines of its names file; every name a Service answers to is led.

    >>> curl_config("shop", ["payment:80 127.0.0.1:24001 10.96.100.12"]).splitlines()[:2]
    ['connect-to = "payment:80:127.0.0.1:24001"', 'connect-to = "payment.shop:80:127.0.0.1:24001"']
    """
    lines = []
    for row in names:
        service, address, *rest = row.split()
        name, _, port = service.rpartition(":")
        spellings = [name, f"{name}.{namespace}", f"{name}.{namespace}.svc", f"{name}.{namespace}.{ANSWERED}"]
        # A headless Service has no address of its own.
        spellings += [ip for ip in rest if ip[:1].isdigit()]
        lines += [f'connect-to = "{spelling}:{port}:{address}"\n' for spelling in spellings]
    return "".join(lines)
