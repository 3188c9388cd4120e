"""The container builds everything that it knows how to build."""

from __future__ import annotations

from pathlib import Path

import pytest
from dependency_injector import providers

from bootstrap.config.settings import load_settings
from bootstrap.wiring.container import Container
from tests.encryption_keys import ENCRYPTION_KEYS


@pytest.mark.parametrize("collector", ["", "http://127.0.0.1:9"])
def test_every_provider_is_built(tmp_path: Path, collector: str) -> None:
    container = Container()
    container.settings.override(
        load_settings(
            database_url=f"sqlite:///{tmp_path / 'bayar.db'}",
            braintree_environment="sandbox",
            encryption_keys=ENCRYPTION_KEYS,
            braintree_merchant_id="merchant",
            braintree_public_key="public",
            braintree_private_key="private",
            braintree_merchant_accounts="USD=account",
            otlp_endpoint=collector,
        )
    )
    built = {name: provider() for name, provider in container.providers.items()}
    assert len(built) > 30
    assert [name for name, value in built.items() if value is None] == ([] if collector else ["tracing"])
    assert built["merchant_accounts"].of("USD") == ("account",)
    singletons = [name for name, one in container.providers.items() if isinstance(one, providers.Singleton)]
    assert all(container.providers[name]() is built[name] for name in singletons)
    built["engine"].dispose()
    if collector:
        built["tracing"].close()
