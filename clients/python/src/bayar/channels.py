"""Channels: with TLS, except on the loopback interface or on request."""

import ipaddress
from collections.abc import Sequence
from typing import Any, Final

import grpc

_OPTIONS: Final = (
    ("grpc.enable_retries", 0),  # the client repeats calls itself, and knows which
    ("grpc.use_local_subchannel_pool", 1),  # a connection of its own, so that several clients reach several workers
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),  # a page of 500 payments with long histories
)


def open_channel(
    address: str, *, root_certificates: bytes | None, credentials: grpc.ChannelCredentials | None, insecure: bool
) -> grpc.Channel:
    """A channel that connects at the first call. Raises ValueError for contradictory arguments."""
    check(address, root_certificates=root_certificates, credentials=credentials, insecure=insecure)
    options = _options(address, root_certificates, credentials)
    secret = _channel_credentials(address, root_certificates, credentials, insecure)
    if secret is None:
        return grpc.insecure_channel(address, options=options)
    return grpc.secure_channel(address, secret, options=options)


def open_async_channel(
    address: str,
    *,
    root_certificates: bytes | None,
    credentials: grpc.ChannelCredentials | None,
    insecure: bool,
    interceptors: Sequence[Any],
) -> Any:
    """The same for asyncio: a grpc.aio.Channel."""
    options = _options(address, root_certificates, credentials)
    secret = _channel_credentials(address, root_certificates, credentials, insecure)
    if secret is None:
        return grpc.aio.insecure_channel(address, options=options, interceptors=interceptors)
    return grpc.aio.secure_channel(address, secret, options=options, interceptors=interceptors)


def check(
    address: str, *, root_certificates: bytes | None, credentials: grpc.ChannelCredentials | None, insecure: bool
) -> None:
    """Raises ValueError for contradictions."""
    if address.startswith(("http://", "https://")):
        raise ValueError(f'An address is host:port without a scheme, for example "127.0.0.1:50051", not {address!r}.')
    if root_certificates is not None and credentials is not None:
        raise ValueError("Give root_certificates or credentials, not both: credentials hold their own certificates.")
    if insecure and (root_certificates is not None or credentials is not None):
        raise ValueError("insecure=True means plain text, and so takes neither root_certificates nor credentials.")


def _options(
    address: str, root_certificates: bytes | None, credentials: grpc.ChannelCredentials | None
) -> list[tuple[str, Any]]:
    in_plain = root_certificates is None and credentials is None and is_loopback(address)
    return [*_OPTIONS, ("grpc.enable_http_proxy", 0)] if in_plain else list(_OPTIONS)


def _channel_credentials(
    address: str, root_certificates: bytes | None, credentials: grpc.ChannelCredentials | None, insecure: bool
) -> grpc.ChannelCredentials | None:
    """None for plain text."""
    if root_certificates is None and credentials is None and (insecure or is_loopback(address)):
        return None
    return credentials or grpc.ssl_channel_credentials(root_certificates)


def is_loopback(address: str) -> bool:
    """Whether the address (host:port, unix:path, or with gRPC's dns:, ipv4: or ipv6: before) stays on this machine."""
    scheme, _, rest = address.partition(":")
    if scheme == "unix":
        return True
    if scheme in {"dns", "ipv4", "ipv6"}:
        if rest.startswith("//") and not rest.startswith("///"):
            return False  # somebody else's name server decides
        address = rest.removeprefix("///")
    return all(_is_loopback_host(_host(part)) for part in address.split(","))


def _host(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address if address.count(":") > 1 else address.partition(":")[0]


def _is_loopback_host(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
