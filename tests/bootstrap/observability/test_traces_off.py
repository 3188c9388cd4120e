"""While traces are off, nothing of OpenTelemetry's SDK is loaded, and every object is the plain one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.encryption_keys import ENCRYPTION_KEYS

_CODE = """
import sys
from bootstrap.config.settings import load_settings
from bootstrap.wiring.container import Container

container = Container()
container.settings.override(load_settings())
assert container.tracing() is None
built = [container.executor(), container.resolve_operations(), container.webhook_sender(), container.server()]
print(sorted(name for name in sys.modules if name.startswith("opentelemetry")))
print(type(built[0]).__name__, type(built[1].resolve).__name__, type(built[2].sender).__name__)
"""


def test_nothing_of_traces_is_loaded_while_they_are_off(tmp_path: Path) -> None:
    environment = {
        "BAYAR_DATABASE_URL": f"sqlite:///{tmp_path / 'bayar.db'}",
        "BAYAR_BRAINTREE_ENVIRONMENT": "sandbox",
        "BAYAR_ENCRYPTION_KEYS": ENCRYPTION_KEYS,
        "BAYAR_BRAINTREE_MERCHANT_ID": "m",
        "BAYAR_BRAINTREE_PUBLIC_KEY": "p",
        "BAYAR_BRAINTREE_PRIVATE_KEY": "a-private-key-of-a-twin",
        "BAYAR_BRAINTREE_MERCHANT_ACCOUNTS": "USD=account",
    }
    done = subprocess.run(
        [sys.executable, "-c", _CODE], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[]", "GatewayCallExecutor ResolveOutcome HttpWebhookSender"]
