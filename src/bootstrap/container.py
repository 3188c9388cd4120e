"""Wires the service: the only place that knows everybody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

from dependency_injector import containers, providers
from sqlalchemy import Engine

from adapters.braintree.declines import codes_by_reason
from adapters.braintree.gateway import BraintreeAdapter
from adapters.braintree.order_ids import OrderIds
from adapters.braintree.settings import BraintreeSettings
from adapters.braintree.webhooks import BraintreeNotifications
from adapters.grpc.access import current_caller
from adapters.grpc.admin_servicer import AdminServicer
from adapters.grpc.customer_servicer import CustomerServicer
from adapters.grpc.dispute_servicer import DisputeServicer
from adapters.grpc.event_servicer import EventServicer
from adapters.grpc.payment_method_servicer import PaymentMethodServicer
from adapters.grpc.payment_servicer import PaymentServicer
from adapters.grpc.server import GrpcServer, Servicers
from adapters.grpc.stream_work import StreamWork
from adapters.grpc.translate.events import event_json
from adapters.http.crew import Crew
from adapters.http.metrics import Family, Metrics
from adapters.http.server import HttpServer, Pages
from adapters.persistence.deployment import mark_of
from adapters.persistence.engine import Limits, create_engine
from adapters.persistence.sealing import Sealer, SealingKey
from adapters.persistence.store import SqlStore
from adapters.webhooks.postman import HttpPostman
from application.absence import AbsenceWatch
from application.accept_dispute import AcceptDispute
from application.add_dispute_evidence import AddDisputeEvidence
from application.add_payment_method import AddPaymentMethod
from application.answer_dispute import AnswerDispute
from application.archive_events import ArchiveEvents
from application.attempt_limits import AttemptGuard, AttemptLimits
from application.audit import Audit
from application.authenticate import KnownKeys
from application.capture_payment import CapturePayment
from application.change_payment_method import (
    DeletePaymentMethod,
    MethodChanger,
    SetDefaultPaymentMethod,
    UpdatePaymentMethod,
)
from application.create_client_token import CreateClientToken
from application.create_customer import CreateCustomer
from application.create_payment import CreatePayment
from application.delete_customer import DeleteCustomer
from application.deliver_events import DeliverEvents
from application.exactly_once import ExactlyOnce
from application.explain_transactions import ExplainTransactions
from application.export_payments import ExportPayments
from application.finalize_dispute import FinalizeDispute
from application.find_default_method import FindDefaultMethod
from application.find_language import FindLanguage
from application.fingerprint import Fingerprinter
from application.follow import FollowPolicy
from application.follow_disputes import FollowDisputes
from application.follow_payments import FollowPayments
from application.forget_attempts import ForgetAttempts
from application.get_customer import GetCustomer
from application.get_dispute import GetDispute
from application.get_payment import GetPayment
from application.get_payment_method import GetPaymentMethod
from application.hold import HoldWatch
from application.in_flight import InFlight
from application.key_uses import KeyUses
from application.list_abuse_blocks import ListAbuseBlocks
from application.list_customers import ListCustomers
from application.list_disputes import ListDisputes
from application.list_notifications import ListNotifications
from application.list_payment_events import ListPaymentEvents
from application.list_payment_methods import ListPaymentMethods
from application.list_payments import ListPayments
from application.list_unresolved_operations import ListUnresolvedOperations
from application.page_tokens import PageTokens
from application.poll_disputes import PollDisputes
from application.ports.deliveries import Endpoint
from application.process_notifications import ProcessNotifications
from application.read_feed import ReadFeed
from application.receive_notification import ReceiveNotification
from application.reconcile import Reconcile
from application.record_dispute import RecordDispute
from application.refresh import Refresh
from application.refund_payment import RefundPayment
from application.refused_calls import RefusedCalls
from application.relay_events import RelayEvents
from application.reread_methods import RereadMethods
from application.resend_events import ListDeliveries, ListEndpoints, ResendEvents
from application.resolve_methods import ResolveMethods
from application.resolve_operation import ResolveOperation
from application.resolve_operations import ResolveOperations
from application.retry_notification import RetryNotification
from application.reverse_orphans import ReverseOrphans
from application.update_customer import UpdateCustomer
from application.verify_payment import VerifyPayment
from application.void_payment import VoidPayment
from bootstrap.authentication import authentication, closed_services, tls_files
from bootstrap.event_webhooks import read_endpoints
from bootstrap.gateway_metrics import gateway_families
from bootstrap.limits import traffic_limits
from bootstrap.lines import STDERR, STDOUT
from bootstrap.runtime import SortableIds, SystemClock
from bootstrap.settings import RawCards, Settings


def _gateway_metrics(gateway: BraintreeAdapter) -> Callable[[], Iterable[Family]]:
    return lambda: gateway_families(gateway.traffic)


def _dropped_lines() -> Iterable[Family]:
    counts = [((("stream", name),), writer.dropped) for name, writer in (("stdout", STDOUT), ("stderr", STDERR))]
    yield Family(
        "bayar_log_lines_dropped_total", "Lines that found no room or could not be written.", "counter", counts
    )


def _braintree_settings(settings: Settings) -> BraintreeSettings:
    return BraintreeSettings(
        environment=settings.braintree_environment.value,
        merchant_id=settings.braintree_merchant_id,
        public_key=settings.braintree_public_key,
        private_key=settings.braintree_private_key.get_secret_value(),
        merchant_accounts=settings.braintree_merchant_accounts,
        url=settings.braintree_url,
        ca_file=str(settings.braintree_ca_file or ""),
        connect_timeout_seconds=settings.braintree_connect_timeout_seconds,
        read_timeout_seconds=settings.braintree_read_timeout_seconds,
        max_connections=settings.gateway_calls,
        max_waiting=settings.gateway_waiting,
        breaker_failures=settings.braintree_breaker_failures,
        use_api_request_key=settings.braintree_use_api_request_key,
        stock_parser=settings.braintree_stock_parser,
    )


def _order_ids(engine: Engine) -> OrderIds:
    return OrderIds(partial(mark_of, engine))


def _sealer(settings: Settings) -> Sealer:
    keys = [SealingKey(name, key) for name, key in settings.keys_at_rest()]
    return Sealer(keys, settings.key_for("lookups of sealed values"))


def _endpoints(settings: Settings) -> list[Endpoint]:
    return read_endpoints(settings.event_webhooks_file, allow_private=settings.allow_private_webhooks)


def _postman(settings: Settings, clock: SystemClock) -> HttpPostman:
    return HttpPostman(lambda item: event_json(item, clock.now().date()), allow_private=settings.allow_private_webhooks)


def _exactly_once(
    settings: Settings, store: SqlStore, clock: SystemClock, ids: SortableIds, in_flight: InFlight
) -> ExactlyOnce:
    return ExactlyOnce(
        store=store,
        clock=clock,
        ids=ids,
        in_flight=in_flight,
        fingerprinter=Fingerprinter(settings.key_for("fingerprints")),
        lease=settings.lease,
        first_check=timedelta(seconds=settings.first_check_seconds),
        follow=_follow(settings),
    )


def _attempt_guard(settings: Settings, store: SqlStore, clock: SystemClock, ids: SortableIds) -> AttemptGuard:
    limits = AttemptLimits(
        window=_window(settings),
        per_card=settings.declines_per_card,
        per_customer=settings.declines_per_customer,
        per_client_address=settings.declines_per_client_address,
        per_caller=settings.declines_per_caller,
        cards_per_customer=settings.cards_per_customer,
        cards_per_client_address=settings.cards_per_client_address,
    )
    return AttemptGuard(store, clock, ids, limits, settings.key_for("attempts"))


def _window(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.decline_window_seconds)


def _threads_of_requests(settings: Settings) -> int:
    """All but half of those that no request to the gateway can take: reads have them."""
    return settings.grpc_threads - max(1, settings.spare_threads // 2)


def _follow(settings: Settings) -> FollowPolicy:
    return FollowPolicy(
        shortest=timedelta(seconds=settings.follow_interval_seconds), watch=timedelta(days=settings.watch_refunds_days)
    )


def _absence(settings: Settings) -> AbsenceWatch:
    return AbsenceWatch(time.monotonic, timedelta(seconds=settings.absence_horizon_seconds))


def _waiting(store: SqlStore) -> Callable[[], dict[str, int]]:
    """How many notifications are in which unfinished state."""

    def count() -> dict[str, int]:
        with store.read() as work:
            return {state.value: number for state, number in work.notifications.count().items()}

    return count


class Container(containers.DeclarativeContainer):
    """Everything the service is made of. `settings` must be overridden first."""

    settings = providers.Dependency(instance_of=Settings)

    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(SortableIds)
    in_flight = providers.Singleton(InFlight, providers.Callable(_threads_of_requests, settings))
    callers = providers.Object(current_caller)
    limits = providers.Factory(Limits, pool_size=settings.provided.database_connections)
    engine = providers.Singleton(create_engine, settings.provided.database_url, limits)
    sealer = providers.Singleton(_sealer, settings)
    store = providers.Singleton(SqlStore, engine, ids, sealer)
    braintree_settings = providers.Callable(_braintree_settings, settings)
    order_ids = providers.Singleton(_order_ids, engine)
    gateway = providers.Singleton(BraintreeAdapter, braintree_settings, order_ids)
    currencies = providers.Callable(lambda gateway: gateway.currencies, gateway)

    known_keys = providers.Singleton(KnownKeys, store, settings.provided.credential_seconds)
    key_uses = providers.Singleton(KeyUses, store)
    hold = providers.Singleton(HoldWatch, store, providers.Object(time.monotonic))
    audit = providers.Singleton(Audit, store, clock, ids)
    refused_calls = providers.Singleton(RefusedCalls, store, clock, ids, providers.Object(time.monotonic))
    authenticate = providers.Singleton(authentication, settings, known_keys, key_uses, clock)

    exactly_once = providers.Singleton(_exactly_once, settings, store, clock, ids, in_flight)
    follow = providers.Singleton(_follow, settings)
    page_tokens = providers.Singleton(PageTokens, settings.provided.key_for.call("page tokens"))
    refresh = providers.Singleton(Refresh, store, gateway, clock, ids, follow)
    absence = providers.Singleton(_absence, settings)
    dispute_interval = providers.Callable(lambda settings: timedelta(seconds=settings.dispute_poll_seconds), settings)
    # Set once the process has been told to stop.
    stopping = providers.Singleton(threading.Event)

    attempt_guard = providers.Singleton(_attempt_guard, settings, store, clock, ids)
    forget_attempts = providers.Singleton(ForgetAttempts, store, clock, providers.Callable(_window, settings))
    list_abuse_blocks = providers.Singleton(ListAbuseBlocks, store, page_tokens)

    reread_methods = providers.Singleton(RereadMethods, store, gateway, clock)
    accepts_cards = providers.Callable(lambda settings: settings.raw_cards is RawCards.ACCEPT, settings)
    create_payment = providers.Singleton(
        CreatePayment, store, gateway, exactly_once, currencies, attempt_guard, reread_methods, accepts_cards
    )
    capture_payment = providers.Singleton(CapturePayment, store, gateway, exactly_once)
    void_payment = providers.Singleton(VoidPayment, gateway, exactly_once)
    refund_payment = providers.Singleton(RefundPayment, store, gateway, exactly_once, refresh)
    get_payment = providers.Singleton(GetPayment, store)
    list_payments = providers.Singleton(ListPayments, store, page_tokens)
    verify_payment = providers.Singleton(VerifyPayment, store, gateway, clock, ids, follow)
    list_payment_events = providers.Singleton(ListPaymentEvents, store, page_tokens)
    export_payments = providers.Singleton(ExportPayments, store)
    decline_codes = providers.Singleton(codes_by_reason)

    create_customer = providers.Singleton(CreateCustomer, store, exactly_once)
    get_customer = providers.Singleton(GetCustomer, store)
    update_customer = providers.Singleton(UpdateCustomer, store, gateway, exactly_once)
    delete_customer = providers.Singleton(DeleteCustomer, store, gateway, exactly_once)
    list_customers = providers.Singleton(ListCustomers, store, page_tokens)

    find_default_method = providers.Singleton(FindDefaultMethod, store)
    find_language = providers.Singleton(FindLanguage, store)

    create_client_token = providers.Singleton(
        CreateClientToken, store, gateway, currencies, reread_methods, exactly_once.provided.begin_lease
    )
    add_payment_method = providers.Singleton(
        AddPaymentMethod, store, gateway, exactly_once, attempt_guard, reread_methods, accepts_cards
    )
    get_payment_method = providers.Singleton(GetPaymentMethod, store)
    list_payment_methods = providers.Singleton(ListPaymentMethods, store, page_tokens)
    get_dispute = providers.Singleton(GetDispute, store)
    list_disputes = providers.Singleton(ListDisputes, store, page_tokens)
    record_dispute = providers.Singleton(RecordDispute, store, gateway, clock, ids, follow, dispute_interval)
    answer_dispute = providers.Singleton(AnswerDispute, store, exactly_once, record_dispute)
    accept_dispute = providers.Singleton(AcceptDispute, gateway, answer_dispute)
    add_dispute_evidence = providers.Singleton(AddDisputeEvidence, gateway, answer_dispute)
    finalize_dispute = providers.Singleton(FinalizeDispute, gateway, answer_dispute)
    follow_disputes = providers.Singleton(FollowDisputes, store, gateway, exactly_once, record_dispute, absence)
    poll_disputes = providers.Singleton(PollDisputes, store, gateway, clock, record_dispute)

    method_changer = providers.Singleton(MethodChanger, store, exactly_once)
    update_payment_method = providers.Singleton(UpdatePaymentMethod, gateway, method_changer)
    set_default_payment_method = providers.Singleton(SetDefaultPaymentMethod, gateway, method_changer)
    delete_payment_method = providers.Singleton(DeletePaymentMethod, gateway, method_changer)

    resolve_operations = providers.Singleton(
        ResolveOperations, store, gateway, exactly_once, refresh, absence, is_stopping=stopping.provided.is_set
    )
    resolve_methods = providers.Singleton(
        ResolveMethods, store, gateway, exactly_once, absence, is_stopping=stopping.provided.is_set
    )
    follow_payments = providers.Singleton(FollowPayments, store, gateway, exactly_once)

    metrics = providers.Singleton(
        Metrics, providers.Factory(_gateway_metrics, gateway), providers.Object(_dropped_lines)
    )
    # The processes that answer calls, where they are not this one.
    crew = providers.Singleton(Crew)
    notification_reader = providers.Singleton(BraintreeNotifications, braintree_settings)
    receive_notification = providers.Singleton(ReceiveNotification, store, notification_reader, clock)
    process_notifications = providers.Singleton(
        ProcessNotifications,
        store,
        gateway,
        exactly_once,
        refresh,
        record_dispute,
        reread_methods,
        resolve_operations,
        metrics.provided.count_processed,
        settings.provided.webhook_attempts,
    )
    list_notifications = providers.Singleton(ListNotifications, store, page_tokens)
    retry_notification = providers.Singleton(RetryNotification, store, exactly_once)

    relay_events = providers.Singleton(RelayEvents, store)
    archive_events = providers.Singleton(ArchiveEvents, store)
    read_feed = providers.Singleton(ReadFeed, store)

    endpoints = providers.Singleton(_endpoints, settings)
    postman = providers.Singleton(_postman, settings, clock)
    deliver_events = providers.Singleton(
        DeliverEvents, store, read_feed, postman, clock, endpoints, is_stopping=stopping.provided.is_set
    )
    list_endpoints = providers.Singleton(ListEndpoints, store, endpoints)
    list_deliveries = providers.Singleton(ListDeliveries, store, endpoints)
    resend_events = providers.Singleton(ResendEvents, store, exactly_once, endpoints)

    list_unresolved_operations = providers.Singleton(ListUnresolvedOperations, store, page_tokens)
    resolve_operation = providers.Singleton(ResolveOperation, store, gateway, exactly_once, resolve_operations)
    explain_transactions = providers.Singleton(ExplainTransactions, store)
    reconcile = providers.Singleton(
        Reconcile,
        store,
        gateway,
        explain_transactions,
        providers.Factory(ReverseOrphans, gateway, ids, exactly_once.provided.begin_lease, explain_transactions),
    )

    stream_work = providers.Singleton(StreamWork, "stream")
    servicers = providers.Factory(
        Servicers,
        payments=providers.Factory(
            PaymentServicer,
            callers=callers,
            create_payment=create_payment,
            capture_payment=capture_payment,
            void_payment=void_payment,
            refund_payment=refund_payment,
            get_payment=get_payment,
            list_payments=list_payments,
            verify_payment=verify_payment,
            list_payment_events=list_payment_events,
            decline_codes=decline_codes,
            language_of=find_language,
            stream_work=stream_work,
        ),
        customers=providers.Factory(
            CustomerServicer,
            callers=callers,
            create_customer=create_customer,
            get_customer=get_customer,
            update_customer=update_customer,
            delete_customer=delete_customer,
            list_customers=list_customers,
            default_method_of=find_default_method,
        ),
        payment_methods=providers.Factory(
            PaymentMethodServicer,
            callers=callers,
            clock=clock,
            create_client_token=create_client_token,
            add_payment_method=add_payment_method,
            get_payment_method=get_payment_method,
            list_payment_methods=list_payment_methods,
            update_payment_method=update_payment_method,
            set_default_payment_method=set_default_payment_method,
            delete_payment_method=delete_payment_method,
            language_of=find_language,
        ),
        disputes=providers.Factory(
            DisputeServicer,
            callers=callers,
            get_dispute=get_dispute,
            list_disputes=list_disputes,
            accept_dispute=accept_dispute,
            add_dispute_evidence=add_dispute_evidence,
            finalize_dispute=finalize_dispute,
        ),
        events=providers.Factory(
            EventServicer, callers, clock, read_feed, settings.provided.feed_interval_seconds, stream_work
        ),
        admin=providers.Factory(
            AdminServicer,
            callers=callers,
            list_unresolved_operations=list_unresolved_operations,
            resolve_operation=resolve_operation,
            reconcile=reconcile,
            export_payments=export_payments,
            list_abuse_blocks=list_abuse_blocks,
            list_endpoints=list_endpoints,
            list_deliveries=list_deliveries,
            resend_events=resend_events,
            list_notifications=list_notifications,
            retry_notification=retry_notification,
            # Its streams wait for the gateway: those of others do not wait behind them.
            stream_work=providers.Singleton(StreamWork, "administration"),
        ),
    )
    http_server = providers.Singleton(
        HttpServer,
        providers.Factory(
            Pages,
            receive=receive_notification,
            answer_challenge=notification_reader.provided.answer_challenge,
            waiting=providers.Factory(_waiting, store),
            metrics=metrics,
            crew=crew,
        ),
    )
    server = providers.Singleton(
        GrpcServer,
        servicers,
        authenticate,
        audit,
        refused_calls.provided.note,
        hold.provided.must_take_changes,
        providers.Callable(traffic_limits, settings),
        providers.Callable(tls_files, settings),
        providers.Callable(closed_services, settings),
    )
