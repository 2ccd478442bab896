"""From a kubeconfig and a context that somebody named to a connection; the KUBECONFIG variable is never read."""

import ipaddress
import ssl
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx2
import msgspec
import yaml
from lightkube.config.client_adapter import AsyncClient as make_raw
from lightkube.config.client_adapter import ConnectionParams, verify_cluster
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.async_client import AsyncClient
from lightkube.core.exceptions import ConfigError

from oddsock.clients.kubernetes.errors import CALL_S_MAX
from oddsock.kit.errors import UsageError

FIELD_MANAGER = "oddsock"
"""How our writes are signed in managedFields."""

USUAL_KUBECONFIG = Path("~/.kube/config")
"""Read only when a context is named without a file."""


def read_config(kubeconfig: Path | None, context: str | None) -> SingleConfig:
    """The cluster and account that were named; UsageError when none was, or the file or context is no good."""
    if kubeconfig is None and context is None:
        raise UsageError(
            "No cluster was named.", "Name one with --kubeconfig or --context; KUBECONFIG is not read on purpose."
        )
    path = (kubeconfig or USUAL_KUBECONFIG).expanduser()
    hint = "Choose another --kubeconfig or --context."
    try:
        config = KubeConfig.from_file(path).get(context)
    except ConfigError as cause:
        raise UsageError(f"The kubeconfig {path} cannot be used: {cause}.", hint) from cause
    except (OSError, yaml.YAMLError, msgspec.ValidationError, KeyError, TypeError, AttributeError) as cause:
        raise UsageError(f"{path} is no whole kubeconfig: {type(cause).__name__} {cause}.", hint) from cause
    if config is None:
        raise UsageError(f"The kubeconfig {path} has no current context.", hint)
    return _with_bare_address(config if config.user is not None else config._replace(user=User()))


def _with_bare_address(config: SingleConfig) -> SingleConfig:
    """The same connection without an account in the server's address, whence it would reach errors and reports."""
    parts = urlsplit(config.cluster.server)
    path, token = _without_token(parts.path)
    if parts.username is None and not token:
        return config
    server = parts._replace(netloc=parts.netloc.rpartition("@")[2], path=path).geturl()
    user = config.user or User()
    if token:
        user = msgspec.structs.replace(user, token=user.token or token)
    if parts.username is not None and not (user.token or user.username or user.exec):
        password = unquote(parts.password or "")
        user = msgspec.structs.replace(user, username=unquote(parts.username), password=password)
    return config._replace(cluster=msgspec.structs.replace(config.cluster, server=server), user=user)


def _without_token(path: str) -> tuple[str, str]:
    # Our own clusters write `/as/<token>` into the address, the only place where kubectl's WebSockets can carry it.
    parts = path.split("/", 3)
    if len(parts) < 3 or parts[1] != "as":
        return path, ""
    return "".join(f"/{part}" for part in parts[3:]), parts[2]


def open_client(config: SingleConfig, namespace: str) -> AsyncClient:
    """A lightkube client for *namespace* that signs its writes; UsageError when a certificate file is no good."""
    try:
        return AsyncClient(
            config,
            namespace=namespace,
            timeout=httpx2.Timeout(CALL_S_MAX),
            field_manager=FIELD_MANAGER,
            trust_env=not _is_loopback(config),
        )
    except (OSError, ssl.SSLError, ConfigError, ValueError) as cause:
        raise UsageError(f"The kubeconfig's certificates or account cannot be used: {cause}.") from cause


def open_raw(config: SingleConfig) -> httpx2.AsyncClient:
    """The plain HTTP client below, with the same account and certificates, for what lightkube has no call for."""
    return make_raw(config, ConnectionParams(timeout=httpx2.Timeout(CALL_S_MAX), trust_env=not _is_loopback(config)))


def address_of(config: SingleConfig) -> str:
    """The API server's address without an account in it, as it may be shown and kept."""
    parts = urlsplit(config.cluster.server)
    path, _ = _without_token(parts.path)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path.rstrip('/')}"


def tls_of(config: SingleConfig) -> ssl.SSLContext | None:
    """What another HTTP client needs to trust this cluster and be known by it; None for plain http."""
    if not config.cluster.server.startswith("https:"):
        return None
    return verify_cluster(config.cluster, config.user or User(), config.abs_file)


def _is_loopback(config: SingleConfig) -> bool:
    # A proxy of the environment must never stand between us and a cluster of this machine.
    host = urlsplit(config.cluster.server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
