"""The SQL unit of work: the repositories on one connection, in one transaction."""

from sqlalchemy import Connection

from adapters.persistence.encryption.sealing import Sealer
from adapters.persistence.observer import Recorder
from adapters.persistence.repositories.api_keys import SqlApiKeys
from adapters.persistence.repositories.audit_log import SqlAuditLog
from adapters.persistence.repositories.checkouts import SqlCheckouts
from adapters.persistence.repositories.customers import SqlCustomers
from adapters.persistence.repositories.disputes import SqlDisputes
from adapters.persistence.repositories.feed import FeedWriter, SqlFeed
from adapters.persistence.repositories.gateway_webhooks import SqlGatewayWebhooks
from adapters.persistence.repositories.idempotency_keys import SqlRequests
from adapters.persistence.repositories.movements import SqlMovements
from adapters.persistence.repositories.operators import SqlOperators
from adapters.persistence.repositories.payment_methods import SqlPaymentMethods
from adapters.persistence.repositories.payments import SqlPayments
from adapters.persistence.repositories.search_index import SqlSearchIndex
from adapters.persistence.repositories.statistics import SqlStatistics
from adapters.persistence.repositories.velocity_counters import SqlVelocityCounters
from adapters.persistence.repositories.webhook_deliveries import SqlDeliveries
from application.ports.runtime import IdSource
from domain.derived import derived
from domain.events import OnBehalf


class SqlUnitOfWork:
    """For a single `with`, and for one thread. A repository is made at its first use: most units of work use a few."""

    def __init__(
        self,
        connection: Connection,
        ids: IdSource,
        sealer: Sealer,
        actor: str,
        recorder: Recorder | None = None,
        on_behalf: OnBehalf | None = None,
    ) -> None:
        """recorder: receives the changes of payments."""
        self._connection = connection
        self._ids = ids
        self._sealer = sealer
        self._actor = actor
        self._recorder = recorder
        self._on_behalf = on_behalf

    @derived
    def _writer(self) -> FeedWriter:
        return FeedWriter(self._connection, self._ids, self._sealer, self._actor, self._on_behalf)

    @derived
    def payments(self) -> SqlPayments:
        return SqlPayments(self._connection, self._ids, self._sealer, self._recorder)

    @derived
    def customers(self) -> SqlCustomers:
        return SqlCustomers(self._connection, self._sealer, self._writer)

    @derived
    def payment_methods(self) -> SqlPaymentMethods:
        return SqlPaymentMethods(self._connection, self._sealer, self._writer, self._recorder)

    @derived
    def disputes(self) -> SqlDisputes:
        return SqlDisputes(self._connection, self._sealer, self._writer, self._recorder)

    @derived
    def movements(self) -> SqlMovements:
        return SqlMovements(self._connection, self._sealer, self.payments)

    @derived
    def checkouts(self) -> SqlCheckouts:
        return SqlCheckouts(self._connection, self._sealer, self._writer)

    @derived
    def feed(self) -> SqlFeed:
        return SqlFeed(self._connection, self._sealer)

    @derived
    def deliveries(self) -> SqlDeliveries:
        return SqlDeliveries(self._connection)

    @derived
    def gateway_webhooks(self) -> SqlGatewayWebhooks:
        return SqlGatewayWebhooks(self._connection, self._sealer)

    @derived
    def requests(self) -> SqlRequests:
        return SqlRequests(self._connection)

    @derived
    def audit(self) -> SqlAuditLog:
        return SqlAuditLog(self._connection, self._sealer)

    @derived
    def api_keys(self) -> SqlApiKeys:
        return SqlApiKeys(self._connection)

    @derived
    def operators(self) -> SqlOperators:
        return SqlOperators(self._connection)

    @derived
    def velocity(self) -> SqlVelocityCounters:
        return SqlVelocityCounters(self._connection)

    @derived
    def search(self) -> SqlSearchIndex:
        return SqlSearchIndex(self._connection, self._sealer)

    @derived
    def statistics(self) -> SqlStatistics:
        return SqlStatistics(self._connection, self._sealer)
