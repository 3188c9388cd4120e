"""Channels: with TLS, except on the loopback interface or on request."""

import ipaddress
import re
from collections.abc import Sequence
from typing import Any, Final

import grpc

# A connection that went dead is noticed within the sum of both. The service permits a ping every 10 s.
KEEPALIVE_TIME_MS: Final = 20_000
KEEPALIVE_TIMEOUT_MS: Final = 10_000
_OPTIONS: Final = (
    ("grpc.http2.max_pings_without_data", 0),  # a quiet stream is watched as long as it lasts
    ("grpc.enable_retries", 0),  # the client repeats calls itself, and knows which
    ("grpc.use_local_subchannel_pool", 1),  # a connection of its own, so that several clients reach several workers
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),  # a page of 500 payments with long histories
)
_HOST_AND_PORT: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[^\s/:@?#,\[\]]+):([0-9]{1,5})")
# gRPC's own names for addresses: its resolvers judge the rest.
_RESOLVED: Final = re.compile(r"(?:dns|ipv4|ipv6|unix|unix-abstract|vsock|xds):\S+")


def open_channel(
    address: str, *, root_certificates: bytes | None, credentials: grpc.ChannelCredentials | None, insecure: bool
) -> grpc.Channel:
    """A channel that connects at the first call. Its arguments have passed `check`."""
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
    """Raises TypeError for arguments of a wrong type, ValueError for a bad address and for contradictions."""
    _check_address(address)
    if root_certificates is not None and credentials is not None:
        raise ValueError("Give root_certificates or credentials, not both: credentials hold their own certificates.")
    if insecure and (root_certificates is not None or credentials is not None):
        raise ValueError("insecure=True means plain text, and so takes neither root_certificates nor credentials.")
    _check_certificates(root_certificates, credentials)


def _check_address(address: str) -> None:
    if not isinstance(address, str):
        raise TypeError(f'address is text, for example "127.0.0.1:50051", not {type(address).__name__}.')
    plain = _HOST_AND_PORT.fullmatch(address)
    if plain is None and not _RESOLVED.fullmatch(address):
        raise ValueError(f'An address is host:port without a scheme, for example "127.0.0.1:50051", not {address!r}.')
    if plain is not None and not 0 < int(plain[1]) < 2**16:
        raise ValueError(f"A port is 1 to 65535, not {plain[1]} as in {address!r}.")


def _check_certificates(root_certificates: bytes | None, credentials: grpc.ChannelCredentials | None) -> None:
    if root_certificates is not None:
        if not isinstance(root_certificates, bytes):
            raise TypeError(f"root_certificates is bytes, in PEM, not {type(root_certificates).__name__}.")
        if b"-----BEGIN CERTIFICATE-----" not in root_certificates:
            raise ValueError("root_certificates holds no certificate in PEM.")
    if credentials is not None and not isinstance(credentials, grpc.ChannelCredentials):
        kind = type(credentials).__name__
        raise TypeError(f"credentials is grpc.ChannelCredentials, not {kind}. An API key is the argument credential.")


def _options(
    address: str, root_certificates: bytes | None, credentials: grpc.ChannelCredentials | None
) -> list[tuple[str, Any]]:
    keepalive = [
        ("grpc.keepalive_time_ms", KEEPALIVE_TIME_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.http2.ping_timeout_ms", KEEPALIVE_TIMEOUT_MS),  # without it, gRPC's core waits for a minute all the same
    ]
    in_plain = root_certificates is None and credentials is None and is_loopback(address)
    return [*_OPTIONS, *keepalive, *([("grpc.enable_http_proxy", 0)] if in_plain else [])]


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
