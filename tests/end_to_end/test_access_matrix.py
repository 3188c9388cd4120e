"""Every call of the contract, with every credential that must not do: a call without its row here fails the test."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from google.protobuf import descriptor_pool, json_format, message_factory
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo  # type: ignore[import-untyped]
from grpc_status import rpc_status

from adapters.grpc.middleware.authorization import required_scopes
from adapters.grpc.middleware.operator_acts import operator_rights
from adapters.grpc.server.server import _SERVICES as SERVICES
from application.common.caller import Scope
from bayar.messages import BayarClient
from bayar.payments.v1 import access_pb2
from bayar.payments.v1.money_pb2 import Money
from tests.api_keys import TEST_KEY
from tests.end_to_end.dispute_steps import DISPUTED, Disputes, turn_on_webhooks
from tests.end_to_end.payment_steps import a_card, pay
from tests.end_to_end.service import Pair, run_bayar, running_pair
from tests.token_issuer import AUDIENCE, ISSUER, JWKS, confused, token, unsigned

EVERYTHING: Final = " ".join(scope.value for scope in Scope)
# Of a back end. An administrator reaches what is any caller's.
OF_A_BACK_END: Final = " ".join(scope.value for scope in Scope if scope is not Scope.ADMIN)
REQUEST: Final = "RID"
PAGE: Final = {"BAYAR_CHECKOUT_ADDRESS": "127.0.0.1:0", "BAYAR_CHECKOUT_BASE_URL": "http://127.0.0.1:8082"}
# The ids that a request names, as the fields of a request in JSON. None: it names nothing that belongs to anybody.
ROWS: Final[Mapping[str, Mapping[str, Any] | None]] = {
    "PaymentService/CreatePayment": {
        "requestId": REQUEST,
        "reference": "order",
        "amount": {"minorUnits": 100, "currencyCode": "USD"},
        "paymentMethodId": "pm",
    },
    "PaymentService/CapturePayment": {"requestId": REQUEST, "paymentId": "pay"},
    "PaymentService/AdjustAuthorization": {
        "requestId": REQUEST,
        "paymentId": "pay",
        "amount": {"minorUnits": "900", "currencyCode": "USD"},
    },
    "PaymentService/VoidPayment": {"requestId": REQUEST, "paymentId": "pay"},
    "PaymentService/RefundPayment": {"requestId": REQUEST, "paymentId": "pay"},
    "PaymentService/GetPayment": {"paymentId": "pay"},
    "PaymentService/ListPayments": {"filter": {"customerId": "cus"}},
    "PaymentService/SearchPayments": {"query": "pay"},
    "PaymentService/SummarizePayments": {"fromDate": "2026-11-01", "untilDate": "2026-11-02"},
    "PaymentService/VerifyPayment": {"paymentId": "pay"},
    "PaymentService/WatchPayment": {"paymentId": "pay"},
    "PaymentService/ListPaymentEvents": {"paymentId": "pay"},
    "PaymentService/ListDeclineReasons": None,
    "PaymentService/ListMerchantAccounts": None,
    "CustomerService/CreateCustomer": None,
    "CustomerService/GetCustomer": {"customerId": "cus"},
    "CustomerService/UpdateCustomer": {
        "requestId": REQUEST,
        "customer": {"customerId": "cus", "givenName": "Eve"},
        "updateMask": "givenName",
    },
    "CustomerService/DeleteCustomer": {"requestId": REQUEST, "customerId": "cus"},
    "CustomerService/EraseGuest": {"requestId": REQUEST, "paymentId": "pay"},
    "CustomerService/ListCustomers": None,
    "PaymentMethodService/CreateClientToken": {"customerId": "cus"},
    "PaymentMethodService/AddPaymentMethod": {
        "requestId": REQUEST,
        "customerId": "cus",
        "paymentMethodNonce": "fake-valid-nonce",
    },
    "PaymentMethodService/GetPaymentMethod": {"paymentMethodId": "pm"},
    "PaymentMethodService/ListPaymentMethods": {"customerId": "cus"},
    "PaymentMethodService/UpdatePaymentMethod": {
        "requestId": REQUEST,
        "paymentMethodId": "pm",
        "cardholderName": "Eve",
    },
    "PaymentMethodService/SetDefaultPaymentMethod": {"requestId": REQUEST, "paymentMethodId": "pm"},
    "PaymentMethodService/DeletePaymentMethod": {"requestId": REQUEST, "paymentMethodId": "pm"},
    "CheckoutService/CreateCheckout": {
        "requestId": REQUEST,
        "reference": "matrix",
        "amount": {"minorUnits": 100, "currencyCode": "USD"},
        "customerId": "cus",
        "successUrl": "https://shop.example/paid",
    },
    "CheckoutService/GetCheckout": {"checkoutId": "chk"},
    "CheckoutService/ListCheckouts": None,
    "CheckoutService/ExpireCheckout": {"requestId": REQUEST, "checkoutId": "chk"},
    "DisputeService/GetDispute": {"disputeId": "dsp"},
    "DisputeService/ListDisputes": None,
    "DisputeService/AcceptDispute": {"requestId": REQUEST, "disputeId": "dsp"},
    "DisputeService/AddDisputeEvidence": {"requestId": REQUEST, "disputeId": "dsp", "text": "x"},
    "DisputeService/FinalizeDispute": {"requestId": REQUEST, "disputeId": "dsp"},
    "EventService/StreamEvents": None,
    # An administrator's calls are about every caller's.
    "AdminService/ListUnresolvedOperations": None,
    "AdminService/ResolveOperation": None,
    "AdminService/Reconcile": None,
    "AdminService/ExportMovements": None,
    "AdminService/CompareSettlements": None,
    "AdminService/ExportPayments": None,
    "AdminService/ListAbuseBlocks": None,
    "AdminService/LiftAbuseBlock": None,
    "AdminService/ListWebhookNotifications": None,
    "AdminService/RetryWebhookNotification": None,
    "AdminService/ListEventEndpoints": None,
    "AdminService/ListEventDeliveries": None,
    "AdminService/ResendEvents": None,
    "AdminService/GetCredential": None,
}
METHODS: Final = {
    f"{service.name}/{method.name}": method
    for service in map(descriptor_pool.Default().FindServiceByName, SERVICES)
    for method in service.methods
}
PATHS: Final = sorted(METHODS)
WITH_SCOPE: Final = [path for path in PATHS if not METHODS[path].GetOptions().Extensions[access_pb2.any_credential]]
NAMING: Final = sorted(path for path, row in ROWS.items() if row)


@dataclass(frozen=True, slots=True)
class Town:
    """A service, what belongs to one of its callers, and a key that was revoked."""

    pair: Pair
    channel: grpc.Channel
    ids: Mapping[str, str]
    other_customer: str
    revoked: str


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    directory: Path = tmp_path_factory.mktemp("matrix")
    jwks = directory / "jwks.json"
    jwks.write_text(json.dumps(JWKS))
    settings = {"BAYAR_JWT_ISSUER": ISSUER, "BAYAR_JWT_AUDIENCE": AUDIENCE, "BAYAR_JWT_JWKS": str(jwks), **PAGE}
    with running_pair(directory, settings) as pair, grpc.insecure_channel(pair.service.address) as channel:
        created = run_bayar("keys", "create", "shop", environment=pair.service.environment).stdout.strip()
        key_id = created.removeprefix("bayar_")[:30]
        assert run_bayar("keys", "revoke", key_id, environment=pair.service.environment).returncode == 0
        with BayarClient(pair.service.address, credential=token(scope=EVERYTHING)) as bayar:
            yield Town(pair, channel, _belongings(pair, bayar), bayar.create_customer().customer_id, created)


def _belongings(pair: Pair, bayar: BayarClient) -> dict[str, str]:
    customer = bayar.create_customer(given_name="Sari").customer_id
    turn_on_webhooks(pair)
    method = bayar.add_payment_method(customer_id=customer, card=a_card()).payment_method_id
    payment = pay(bayar, customer_id=customer, payment_method_id=method).payment_id
    disputed = pay(bayar, customer_id=customer, card=a_card(number=DISPUTED))
    pair.twin.control.settle()
    checkout = bayar.create_checkout(
        reference="belongs", amount=Money(minor_units=100, currency_code="USD"), success_url="https://shop.example/"
    )
    dispute = Disputes.of(bayar).await_one(disputed)
    return {"cus": customer, "pm": method, "pay": payment, "chk": checkout.checkout_id, "dsp": dispute.dispute_id}


def ask(
    town: Town, path: str, authorization: tuple[str, ...], request: Mapping[str, Any]
) -> tuple[str, str, list[str]]:
    """The code, the reason and the fields at fault; with an empty list or stream for what came back."""
    method = METHODS[path]
    kinds = [message_factory.GetMessageClass(one) for one in (method.input_type, method.output_type)]
    message = json_format.ParseDict(dict(request), kinds[0]())
    full = f"/{method.containing_service.full_name}/{method.name}"
    metadata = [("authorization", each) for each in authorization]
    make = town.channel.unary_stream if method.server_streaming else town.channel.unary_unary
    call: Any = make(full, lambda sent: sent.SerializeToString(), kinds[1].FromString)
    try:
        answer = call(message, metadata=metadata, timeout=20)
        first = next(iter(answer), None) if method.server_streaming else answer
        return "OK", "" if first is None or not first.ListFields() else "something", []
    except grpc.RpcError as error:
        status: Any = rpc_status.from_call(error)  # type: ignore[arg-type]
        info, faults = ErrorInfo(), BadRequest()
        for detail in status.details if status else ():
            detail.Unpack(info)
            detail.Unpack(faults)
        return error.code().name, info.reason, [f"{one.field} {one.reason}" for one in faults.field_violations]


def filled(row: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    def put(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: put(one) for name, one in value.items()}
        return str(uuid.uuid4()) if value == REQUEST else ids.get(value, value) if isinstance(value, str) else value

    return {name: put(value) for name, value in row.items()}


def bearer(credential: str) -> tuple[str, ...]:
    return (f"Bearer {credential}",)


def test_every_call_has_its_row() -> None:
    assert set(ROWS) == set(METHODS), "a new call needs its row in this matrix"


@pytest.mark.parametrize("path", PATHS)
def test_without_a_good_credential_nothing_is_done(path: str, town: Town) -> None:
    wrong_key = TEST_KEY[:-1] + ("x" if TEST_KEY[-1] != "x" else "y")
    past = int(time.time()) - 3600
    tried: dict[str, tuple[tuple[str, ...], str]] = {
        "none": ((), "CREDENTIAL_MISSING"),
        "no scheme": ((TEST_KEY,), "CREDENTIAL_INVALID"),
        "another scheme": ((f"Basic {TEST_KEY}",), "CREDENTIAL_INVALID"),
        "twice": ((f"Bearer {TEST_KEY}",) * 2, "CREDENTIAL_INVALID"),
        "malformed": (bearer("bayar_key_short"), "CREDENTIAL_INVALID"),
        "wrong secret": (bearer(wrong_key), "CREDENTIAL_INVALID"),
        "unknown key": (bearer(TEST_KEY.replace("key_01kb", "key_02kb")), "CREDENTIAL_INVALID"),
        "revoked": (bearer(town.revoked), "CREDENTIAL_REVOKED"),
        "expired": (bearer(token(scope=EVERYTHING, exp=past)), "CREDENTIAL_EXPIRED"),
        "issuer": (bearer(token(scope=EVERYTHING, iss="https://evil.test/")), "CREDENTIAL_WRONG_ISSUER"),
        "audience": (bearer(token(scope=EVERYTHING, aud="other")), "CREDENTIAL_WRONG_AUDIENCE"),
        "alg none": (bearer(unsigned(scope=EVERYTHING)), "CREDENTIAL_INVALID"),
        "hs256": (bearer(confused(scope=EVERYTHING)), "CREDENTIAL_INVALID"),
    }
    answers = {name: ask(town, path, shown, {}) for name, (shown, _) in tried.items()}
    assert answers == {name: ("UNAUTHENTICATED", reason, []) for name, (_, reason) in tried.items()}


@pytest.mark.parametrize("path", WITH_SCOPE)
def test_each_wrong_scope_is_refused_and_the_right_one_is_enough(path: str, town: Town) -> None:
    method = METHODS[path]
    needed = required_scopes([method.containing_service])[f"/{method.containing_service.full_name}/{method.name}"]
    assert method.GetOptions().Extensions[access_pb2.required_scope] == access_pb2.Scope.Value(f"SCOPE_{needed.name}")
    others = [scope for scope in Scope if scope is not needed]
    for granted in (*([one] for one in others), others, []):
        shown = bearer(token(scope=" ".join(scope.value for scope in granted)))
        assert ask(town, path, shown, {}) == ("PERMISSION_DENIED", "SCOPE_MISSING", []), granted
    if path != "EventService/StreamEvents":
        code, reason, _ = ask(town, path, bearer(token(scope=needed.value)), {})
        assert code not in ("UNAUTHENTICATED", "PERMISSION_DENIED"), reason


@pytest.mark.parametrize("path", NAMING)
@pytest.mark.parametrize("stranger", ["another caller", "another customer"])
def test_a_resource_of_another_caller_looks_nonexistent(path: str, stranger: str, town: Town) -> None:
    if stranger == "another caller":
        shown = bearer(token(scope=OF_A_BACK_END, caller_id="rival"))
    else:
        shown = bearer(token(scope=EVERYTHING, customer=town.other_customer))
    row = ROWS[path] or {}
    nowhere = {name: id_.partition("_")[0] + "_" + "0" * 26 for name, id_ in town.ids.items()}
    theirs, missing = (ask(town, path, shown, filled(row, ids)) for ids in (town.ids, nowhere))
    assert theirs == missing
    is_of_the_business = path.startswith("CheckoutService") or path == "PaymentService/SummarizePayments"
    if is_of_the_business and stranger == "another customer":
        assert theirs == ("PERMISSION_DENIED", "NOT_FOR_CUSTOMERS", [])
        return
    assert theirs[0] in ("NOT_FOUND", "INVALID_ARGUMENT") or theirs == ("OK", "", [])


@pytest.mark.parametrize("stranger", [{"caller_id": "rival"}, {"customer": ""}])
@pytest.mark.parametrize(
    "path", ["PaymentService/ListPayments", "CustomerService/ListCustomers", "DisputeService/ListDisputes"]
)
def test_lists_show_nothing_of_others(path: str, stranger: dict[str, str], town: Town) -> None:
    mine = {name: value or town.other_customer for name, value in stranger.items()}
    request = {"email": "nobody@example.com"} if path.startswith("Customer") else {}
    assert ask(town, path, bearer(token(scope=OF_A_BACK_END, **mine)), request) == ("OK", "", [])


@pytest.mark.parametrize("path", [path for path in WITH_SCOPE if path.startswith("AdminService")])
def test_no_customer_is_an_administrator(path: str, town: Town) -> None:
    shown = bearer(token(scope=EVERYTHING, customer=town.other_customer))
    assert ask(town, path, shown, {}) == ("PERMISSION_DENIED", "SCOPE_MISSING", [])


def test_no_customer_sees_merchant_accounts(town: Town) -> None:
    shown = bearer(token(scope=EVERYTHING, customer=town.other_customer))
    answer = ask(town, "PaymentService/ListMerchantAccounts", shown, {})
    assert answer == ("PERMISSION_DENIED", "NOT_FOR_CUSTOMERS", [])


def test_no_customer_creates_customers(town: Town) -> None:
    shown = bearer(token(scope=EVERYTHING, customer=town.other_customer))
    request = {"requestId": str(uuid.uuid4())}
    assert ask(town, "CustomerService/CreateCustomer", shown, request) == ("PERMISSION_DENIED", "NOT_FOR_CUSTOMERS", [])


def test_an_owner_may_do_everything_that_other_callers_may_not(town: Town) -> None:
    """The other half of the matrix: the ids are real, so that "not found" says something."""
    shown = bearer(token(scope=EVERYTHING, customer=town.ids["cus"]))
    for path in (
        "PaymentService/GetPayment",
        "CustomerService/GetCustomer",
        "PaymentMethodService/GetPaymentMethod",
        "DisputeService/GetDispute",
    ):
        assert ask(town, path, shown, filled(ROWS[path] or {}, town.ids))[0] == "OK"


READING: Final = [
    "PaymentService/GetPayment",
    "PaymentService/ListPayments",
    "PaymentService/ListPaymentEvents",
    "PaymentService/VerifyPayment",
    "PaymentService/WatchPayment",
    "CustomerService/GetCustomer",
    "CustomerService/ListCustomers",
    "PaymentMethodService/GetPaymentMethod",
    "PaymentMethodService/ListPaymentMethods",
    "CheckoutService/GetCheckout",
    "CheckoutService/ListCheckouts",
    "DisputeService/GetDispute",
    "DisputeService/ListDisputes",
    "EventService/StreamEvents",
    "AdminService/ExportMovements",
    "AdminService/ExportPayments",
]


@pytest.mark.parametrize("path", READING)
def test_an_administrator_reads_what_is_any_callers(path: str, town: Town) -> None:
    """One rule for lists, single things, events and exports. Without the scope of the call the call is refused."""
    window = {"fromTime": "2026-01-01T00:00:00Z", "untilTime": "2100-01-01T00:00:00Z"}
    request = window if path.startswith("Admin") else filled(ROWS[path] or {}, town.ids)
    administrator = bearer(token(scope=EVERYTHING, caller_id="operations"))
    assert ask(town, path, administrator, request)[:2] == ("OK", "something")


def test_an_administrator_makes_nothing_of_what_is_another_callers(town: Town) -> None:
    administrator = bearer(token(scope=EVERYTHING, caller_id="operations"))
    for path in ("PaymentService/CreatePayment", "PaymentMethodService/AddPaymentMethod"):
        assert ask(town, path, administrator, filled(ROWS[path] or {}, town.ids))[0] == "INVALID_ARGUMENT"


def test_the_page_shows_the_scope_and_the_right_of_each_call() -> None:
    services = {method.containing_service.full_name: method.containing_service for method in METHODS.values()}
    page = (Path(__file__).parents[2] / "docs" / "operate" / "access.md").read_text()
    rights = operator_rights(services.values())
    for path, scope in required_scopes(services.values()).items():
        right = rights.get(path)
        shown = f"`{right.value}` |" if right is not None else "|"
        call = path.removeprefix("/bayar.payments.v1.")
        # A remark may follow the scope.
        row = rf"^\| `{call}` \| `{scope.value}`[^|]* \| {re.escape(shown)}$"
        assert re.search(row, page, re.MULTILINE), row
