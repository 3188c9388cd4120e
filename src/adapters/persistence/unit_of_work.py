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
from domain.events import OnBehalf


class SqlUnitOfWork:
    """For a single `with`, and for one thread."""

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
        writer = FeedWriter(connection, ids, sealer, actor, on_behalf)
        self.payments = SqlPayments(connection, ids, sealer, recorder)
        self.customers = SqlCustomers(connection, sealer, writer)
        self.payment_methods = SqlPaymentMethods(connection, sealer, writer, recorder)
        self.disputes = SqlDisputes(connection, sealer, writer, recorder)
        self.movements = SqlMovements(connection, sealer, self.payments)
        self.checkouts = SqlCheckouts(connection, sealer, writer)
        self.feed = SqlFeed(connection, sealer)
        self.deliveries = SqlDeliveries(connection)
        self.gateway_webhooks = SqlGatewayWebhooks(connection, sealer)
        self.requests = SqlRequests(connection)
        self.audit = SqlAuditLog(connection, sealer)
        self.api_keys = SqlApiKeys(connection)
        self.operators = SqlOperators(connection)
        self.velocity = SqlVelocityCounters(connection)
        self.search = SqlSearchIndex(connection, sealer)
        self.statistics = SqlStatistics(connection, sealer)
