"""The settings of the service during a storm."""

from __future__ import annotations

from typing import Final

from braintree_twin.testing import Twin
from tests.crash.fault_injector import READ_TIMEOUT_SECONDS

CONNECT_TIMEOUT_SECONDS: Final = 2.0
# Longer than the gateway works on an abandoned request, with a margin for a busy machine.
ABSENCE_HORIZON_SECONDS: Final = 6.0
# Longer than one call with all its timeouts.
LEASE_SECONDS: Final = CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS + 3
_FIRST_CHECK_SECONDS: Final = 0.3
FEED_INTERVAL_SECONDS: Final = 0.1
# The default first.
MERCHANT_ACCOUNTS: Final = ("twin_usd_no_duplicate_check", "twin_usd_second")


def service_environment(twin: Twin, url: str) -> dict[str, str]:
    """The settings of the service during a storm."""
    return {
        "BAYAR_DATABASE_URL": url,
        "BAYAR_BRAINTREE_ENVIRONMENT": "twin",
        "BAYAR_BRAINTREE_URL": twin.url,
        "BAYAR_BRAINTREE_CA_FILE": str(twin.ca_file),
        "BAYAR_BRAINTREE_MERCHANT_ID": twin.merchant_id,
        "BAYAR_BRAINTREE_PUBLIC_KEY": twin.public_key,
        "BAYAR_BRAINTREE_PRIVATE_KEY": twin.private_key,
        # Nothing at the gateway hides a second send: neither a duplicate check nor a request key.
        "BAYAR_BRAINTREE_MERCHANT_ACCOUNTS": f"USD={'|'.join(MERCHANT_ACCOUNTS)}",
        "BAYAR_BRAINTREE_USE_API_REQUEST_KEY": "false",
        "BAYAR_BRAINTREE_CONNECT_TIMEOUT_SECONDS": str(CONNECT_TIMEOUT_SECONDS),
        "BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS": str(READ_TIMEOUT_SECONDS),
        "BAYAR_ABSENCE_HORIZON_SECONDS": str(ABSENCE_HORIZON_SECONDS),
        "BAYAR_FIRST_CHECK_SECONDS": str(_FIRST_CHECK_SECONDS),
        "BAYAR_RESOLVER_INTERVAL_SECONDS": "0.1",
        "BAYAR_STOP_DELAY_SECONDS": "0",
        "BAYAR_STOP_GRACE_SECONDS": "10",
        "BAYAR_FEED_INTERVAL_SECONDS": str(FEED_INTERVAL_SECONDS),
        "BAYAR_DISPUTE_POLL_SECONDS": "1",
        # All load generators pay with one card.
        "BAYAR_DECLINES_PER_CARD": "0",
        "BAYAR_LOG_LEVEL": "warning",
        "VICTIM_LEASE_SECONDS": str(LEASE_SECONDS),
    }
