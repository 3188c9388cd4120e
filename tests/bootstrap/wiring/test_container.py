"""The container builds everything that it knows how to build."""

from __future__ import annotations

from pathlib import Path

from dependency_injector import providers

from bootstrap.config.settings import load_settings
from bootstrap.wiring.container import Container
from tests.encryption_keys import ENCRYPTION_KEYS


def test_every_provider_is_built(tmp_path: Path) -> None:
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
        )
    )
    built = {name: provider() for name, provider in container.providers.items()}
    assert len(built) > 30
    assert all(value is not None for value in built.values())
    assert built["merchant_accounts"].of("USD") == ("account",)
    singletons = [name for name, one in container.providers.items() if isinstance(one, providers.Singleton)]
    assert all(container.providers[name]() is built[name] for name in singletons)
    built["engine"].dispose()
