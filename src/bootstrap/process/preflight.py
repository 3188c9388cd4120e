"""Preflight checks before the service starts, and the reports of their failures."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Engine

from adapters.persistence.migrate import SchemaState, UnknownSchema, schema_of, upgrade
from adapters.persistence.sql.engine import max_connections_of, unsafe_durability_settings
from application.common.errors import StoreUnavailable
from application.ports.gateway import GatewayUnavailable
from application.recovery.service_hold import HoldLevel
from bootstrap.config.settings import BadSettings
from bootstrap.process import encryption_keys, schema_check
from bootstrap.wiring.container import Container

_log = logging.getLogger(__name__)


class CannotStart(Exception):
    """The environment keeps the service from starting. The text names the cause and the remedy."""


@contextmanager
def prepared(container: Container) -> Iterator[None]:
    """Inside the `with`, the database and the gateway are ready to serve; after it, they are released.

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
                "Braintree did not list the merchant accounts. Check the keys and the connection, or name the accounts "
                f"in BAYAR_BRAINTREE_MERCHANT_ACCOUNTS: {error}"
            ) from None


def _check_database(container: Container, engine: Engine) -> None:
    _check_schema(engine)
    for name in unsafe_durability_settings(engine):
        _log.warning(
            "PostgreSQL runs with %s=off: if its machine crashes, payments that were answered may be lost, or the "
            "database damaged. Set it to on",
            name,
        )
    encryption_keys.check_keys(container, engine)
    # Read at the start, so that no payment waits for it.
    _log.info("deployment mark of this database: %s", container.order_ids().mark)
    hold = container.store().hold()
    if hold.level is not HoldLevel.NONE:
        _log.warning(
            "the service is held since %s (%s): background work stops until `bayar background release`",
            hold.time,
            hold.reason or "no reason was given",
        )


def _check_schema(engine: Engine) -> None:
    schema = schema_of(engine)
    if schema.state is SchemaState.NEWER:
        _log.info("%s", schema_check.describe(schema))
    if schema.is_usable:
        return
    if schema.state is not SchemaState.BEHIND or engine.dialect.name != "sqlite":
        raise CannotStart(schema_check.describe(schema))
    try:
        upgrade(engine)
    except UnknownSchema:
        # A newer version has migrated it meanwhile.
        raise CannotStart(schema_check.describe(schema_of(engine))) from None


def warn_of_too_many_connections(container: Container) -> None:
    """Warns if the database would refuse some connections under load. Raises StoreUnavailable."""
    settings, most = container.settings(), max_connections_of(container.engine())
    wanted = settings.processes * settings.database_connections
    if most is not None and wanted > most:
        _log.warning(
            "the service may open %s database connections (%s for each of %s processes), and max_connections leaves "
            "%s: set BAYAR_DATABASE_CONNECTIONS=%s or lower, or raise max_connections",
            wanted,
            settings.database_connections,
            settings.processes,
            most,
            max(4, most // settings.processes),
        )


def engine_of(container: Container) -> Engine:
    """Raises BadSettings if the URL names no usable database."""
    try:
        engine: Engine = container.engine()
    except ValueError as error:
        raise BadSettings(f"BAYAR_DATABASE_URL is wrong: {error}") from None
    return engine
