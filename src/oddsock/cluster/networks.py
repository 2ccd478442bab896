"""The networks that cluster IPs and pod IPs are of."""

import ipaddress

SERVICE_NETWORK = ipaddress.IPv4Network("10.96.0.0/16")
"""Where cluster IPs come from; in ports mode they are shown and not bound."""

POD_NETWORK = ipaddress.IPv4Network("10.244.0.0/16")
"""Where pod IPs come from in mode `ns`."""
