"""Raises and reserves file descriptors, so that strangers' connections never take those that the service needs."""

import logging
import resource
from typing import Final

from adapters.http.connections import MOST_CONNECTIONS as MOST_OF_HTTP
from bootstrap.config.settings import Settings

_log = logging.getLogger(__name__)

# Logs, certificates, listeners, channels, and short-lived files of libraries.
_RESERVED: Final = 128
_MOST_WANTED: Final = 65_536
_FEWEST_CONNECTIONS: Final = 16
# Of the checkout page.
MOST_OF_SHOPPERS: Final = 500


def raise_descriptor_limit() -> None:
    """Raises the soft limit as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_WANTED if hard == resource.RLIM_INFINITY else min(hard, _MOST_WANTED)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):
        # macOS reports no limit, and has one all the same.
        _log.info("the limit of open files stays at %s", soft)


def connections_within_descriptors(settings: Settings) -> int:
    """The number of connections in the setting, or fewer if the other descriptors would not stay free."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return settings.grpc_connections
    # SQLite opens two more files for each connection.
    own = _RESERVED + MOST_OF_HTTP + 3 * settings.database_connections + settings.gateway_calls
    if settings.serves_checkouts:
        own += MOST_OF_SHOPPERS
    return max(_FEWEST_CONNECTIONS, min(settings.grpc_connections, limit - own))


def warn_of_few_descriptors(settings: Settings) -> None:
    """Warns if the limit leaves room for fewer connections than the setting says."""
    room = connections_within_descriptors(settings)
    if room < settings.grpc_connections:
        _log.warning(
            "the limit of open files (ulimit -n) leaves room for %s gRPC connections; BAYAR_GRPC_CONNECTIONS is %s: "
            "raise the one or lower the other",
            room,
            settings.grpc_connections,
        )
