"""A service loads no library that it does not need: each takes megabytes of every process. Traces, while they are off,
are such a one, and every object is the plain one.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.encryption_keys import ENCRYPTION_KEYS

_CODE = """
import sys
import bootstrap.process.serve
from bootstrap.config.settings import load_settings
from bootstrap.wiring.container import Container

container = Container()
container.settings.override(load_settings())
assert container.tracing() is None
built = [container.executor(), container.resolve_operations(), container.webhook_sender(), container.server()]
print(sorted(name for name in sys.modules if name.startswith("opentelemetry")))
unused = ("alembic", "bayar.client", "bayar.models", "psycopg", "rich")
print([name for name in unused if name in sys.modules])
print(type(built[0]).__name__, type(built[1].resolve).__name__, type(built[2].sender).__name__)
"""


def test_a_service_on_sqlite_without_traces_loads_only_what_it_needs(tmp_path: Path) -> None:
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
    assert done.stdout.splitlines() == ["[]", "[]", "GatewayCallExecutor ResolveOutcome HttpWebhookSender"]
