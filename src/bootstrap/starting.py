"""What has to be in order before anything is served, and how what is not is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Engine

from adapters.persistence.migrate import is_current, upgrade
from application.ports.gateway import GatewayUnavailable
from application.ports.store import StoreUnavailable
from bootstrap import encryption
from bootstrap.container import Container
from bootstrap.settings import BadSettings


class CannotStart(Exception):
    """What around the service keeps it from starting. The text says what it is, and the remedy."""


@contextmanager
def prepared(container: Container) -> Iterator[None]:
    """The database and the gateway are fit to serve within the `with`, and let go after it.

    Raises CannotStart and BadSettings.
    """
    with ExitStack() as stack:
        engine = engine_of(container)
        stack.callback(engine.dispose)
        stack.callback(container.gateway().close)
        try:
            _check_database(container, engine)
            if not container.settings().braintree_merchant_accounts:
                container.gateway().discover_merchant_accounts()
            yield
        except StoreUnavailable as error:
            raise CannotStart(f"the database does not answer (BAYAR_DATABASE_URL): {error}") from None
        except GatewayUnavailable as error:
            raise CannotStart(
                "Braintree did not tell its merchant accounts. Check the keys and the connection, or name the accounts "
                f"in BAYAR_BRAINTREE_MERCHANT_ACCOUNTS: {error}"
            ) from None


def _check_database(container: Container, engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        upgrade(engine)
    elif not is_current(engine):
        raise CannotStart("the database's schema is not up to date: run `bayar migrate` first, with the same settings")
    encryption.check_keys(container, engine)


def engine_of(container: Container) -> Engine:
    """Raises BadSettings where the URL names no database that can be used."""
    try:
        engine: Engine = container.engine()
    except ValueError as error:
        raise BadSettings(f"BAYAR_DATABASE_URL is wrong: {error}") from None
    return engine
