"""The gRPC core's options: limits on message sizes, keepalive and concurrency, for each connection and for all."""

import math
from typing import Any, Final

from adapters.grpc.middleware.admission_control import AdmissionLimits
from adapters.grpc.middleware.request_size import MAX_BYTES

# The service ends streams itself before an old connection is closed.
_GRACE_SECONDS: Final = 60.0
# The time for the handshake, and then for the peer's settings.
GREETING_SECONDS: Final = 10.0
_PENDING_CALLS: Final = 5_000


def options_of(limits: AdmissionLimits, *, shares_port: bool = False) -> tuple[tuple[str, Any], ...]:
    """The server's options. shares_port: with other processes, on purpose."""
    # A crowd that the call pool has room for may arrive in an instant.
    pending = max(_PENDING_CALLS, limits.threads + limits.queue)
    return (
        ("grpc.max_receive_message_length", MAX_BYTES),
        # Above the first limit the core refuses at random, above the second always.
        ("grpc.max_metadata_size", 16 * 1024),
        ("grpc.absolute_max_metadata_size", 32 * 1024),
        # A compressed message can be a bomb, and a false one would be reported as a fault of the service.
        ("grpc.compression_enabled_algorithms_bitset", 1),
        ("grpc.max_concurrent_streams", limits.calls_per_connection),
        # The calls that nobody has accepted yet. Above the first limit, the core cancels some at random, whoever makes
        # them; and each of those that wait for longer than the service lets any call take.
        ("grpc.server.max_pending_requests", pending),
        ("grpc.server.max_pending_requests_hard_limit", 2 * pending),
        ("grpc.server_max_unrequested_time_in_server", math.ceil(limits.call_seconds)),
        ("grpc.max_allowed_incoming_connections", limits.connections),
        # Two services on one port by mistake would share its calls at random.
        ("grpc.so_reuseport", int(shares_port)),
        # Peers that vanished, and peers that never finish the handshake or send their settings.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.server_handshake_timeout_ms", round(GREETING_SECONDS * 1000)),
        ("grpc.http2.settings_timeout", round(GREETING_SECONDS * 1000)),
        # Floods of pings, and of calls that are reset immediately (rapid reset).
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 2),
        ("grpc.http2.ping_on_rst_stream_percent", 1),
        ("grpc.http2.max_requests_per_read", 32),
        # A few bytes of compressed headers can stand for many, so no connection's are read in large pieces.
        ("grpc.experimental.tcp_read_chunk_size", 4 * 1024),
        ("grpc.experimental.tcp_max_read_chunk_size", 16 * 1024),
        ("grpc.max_connection_idle_ms", round(limits.idle_seconds * 1000)),
        ("grpc.max_connection_age_ms", round(limits.connection_seconds * 1000)),
        ("grpc.max_connection_age_grace_ms", round((limits.stream_seconds + _GRACE_SECONDS) * 1000)),
    )
