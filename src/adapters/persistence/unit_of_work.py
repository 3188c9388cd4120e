"""One transaction on one connection, as the application sees it."""

from __future__ import annotations

from sqlalchemy import Connection

from adapters.persistence.api_keys import SqlApiKeys
from adapters.persistence.attempts import SqlAttempts
from adapters.persistence.audit import SqlAuditLog
from adapters.persistence.customers import SqlCustomers
from adapters.persistence.deliveries import SqlDeliveries
from adapters.persistence.disputes import SqlDisputes
from adapters.persistence.feed import FeedWriter, SqlFeed
from adapters.persistence.notifications import SqlNotifications
from adapters.persistence.payment_methods import SqlPaymentMethods
from adapters.persistence.payments import SqlPayments
from adapters.persistence.requests import SqlRequests
from adapters.persistence.sealing import Sealer
from application.ports.runtime import IdSource


class SqlUnitOfWork:
    """Fit for one `with` only, and for one thread."""

    def __init__(self, connection: Connection, ids: IdSource, sealer: Sealer, actor: str) -> None:
        writer = FeedWriter(connection, ids, sealer, actor)
        self.payments = SqlPayments(connection, ids, sealer)
        self.customers = SqlCustomers(connection, sealer, writer)
        self.payment_methods = SqlPaymentMethods(connection, sealer, writer)
        self.disputes = SqlDisputes(connection, sealer, writer)
        self.feed = SqlFeed(connection, sealer)
        self.deliveries = SqlDeliveries(connection)
        self.notifications = SqlNotifications(connection, sealer)
        self.requests = SqlRequests(connection)
        self.audit = SqlAuditLog(connection, sealer)
        self.api_keys = SqlApiKeys(connection)
        self.attempts = SqlAttempts(connection)
