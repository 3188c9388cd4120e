"""Builds Braintree's SDK with this adapter's transport and parser."""

from base64 import b64encode
from typing import Any, Final

import braintree
from braintree.error_result import ErrorResult
from braintree.successful_result import SuccessfulResult
from braintree.transaction_gateway import TransactionGateway
from braintree.util.http import Http
from braintree.util.xml_util import XmlUtil
from braintree.version import Version

from adapters.braintree import parser, request_body, transactions_read
from adapters.braintree.settings import BraintreeSettings, environment_of
from adapters.braintree.transport.bulkhead import Bulkhead
from adapters.braintree.transport.circuit_breaker import UNOBSERVED, CallObserver, GuardedTransport
from adapters.braintree.transport.connection_pool import PooledTransport
from adapters.braintree.transport.platform import MACHINE, Platform

# This service sends a few dozen.
_MOST_SHAPES: Final = 1000


def sdk_of(
    settings: BraintreeSettings, platform: Platform = MACHINE, observer: CallObserver = UNOBSERVED
) -> tuple[braintree.BraintreeGateway, GuardedTransport]:
    """The SDK, and the transport that carries all of its requests."""
    parser.choose(stock=settings.stock_parser)
    environment = environment_of(settings)
    transport = PooledTransport(
        environment.protocol + environment.server_and_port,
        ca_file=environment.ssl_certificate,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        read_timeout_seconds=settings.read_timeout_seconds,
        max_connections=settings.max_connections,
        proxy_url=settings.proxy_url,
        platform=platform,
    )
    bulkhead = Bulkhead(settings.max_connections, settings.max_waiting, platform=platform)
    guarded = GuardedTransport(
        transport, bulkhead, breaker_failures=settings.breaker_failures, platform=platform, observer=observer
    )
    sdk = braintree.BraintreeGateway(
        braintree.Configuration(
            environment,
            settings.merchant_id,
            settings.public_key,
            settings.private_key,
            http_strategy=lambda _configuration, _environment: _OwnAnswers(guarded),
        )
    )
    if Version in parser.COMPARED_VERSIONS:
        sdk.transaction = Transactions(sdk)
    return sdk, guarded


class _OwnAnswers:
    """Marks the answers of the transport as this adapter's, so that they are read as far as it needs them."""

    def __init__(self, transport: GuardedTransport) -> None:
        self._transport = transport
        self.handle_exception = transport.handle_exception

    def http_do(self, *arguments: Any) -> list[Any]:
        status, text = self._transport.http_do(*arguments)
        return [status, parser.OwnAnswer(text)]


def client_token_answer(sdk: braintree.BraintreeGateway, params: dict[str, Any]) -> str | ErrorResult:
    """A client token, or the refusal with its codes: the SDK's own call keeps only a refusal's text."""
    http = sdk.config.http()
    answer = http.post(f"{sdk.config.base_merchant_path()}/client_token", {"client_token": {"version": 2} | params})
    if "api_error_response" in answer:
        return ErrorResult(sdk, answer["api_error_response"])
    return str(answer["client_token"]["value"])


class Transactions(TransactionGateway):
    """Sales at less cost: caches the SDK's check of parameter names by set of names, which takes longer than the
    sending, makes the headers once, and shows the answer as a light object.
    """

    def __init__(self, gateway: braintree.BraintreeGateway) -> None:
        super().__init__(gateway)
        self._checked: set[object] = set()
        self._address = f"{self.config.base_url()}{self.config.base_merchant_path()}"
        credentials = b64encode(f"{self.config.public_key}:{self.config.private_key}".encode("ascii"))
        self._headers: Final = {
            "Accept": "application/xml",
            "Authorization": b"Basic " + credentials,
            "User-Agent": f"Braintree Python {Version}",
            "Accept-Encoding": "gzip",
            "X-ApiVersion": self.config.api_version(),
            "Content-type": "application/xml",
        }

    def create(self, params: dict[str, Any]) -> Any:
        shape = _shape(params)
        if shape in self._checked:
            return self._post("/transactions", {"transaction": params})
        # Raises KeyError for a name that the SDK does not know, before anything is sent.
        result = super().create(params)
        if shape is not None and len(self._checked) < _MOST_SHAPES:
            self._checked.add(shape)
        return result

    def _post(self, path: str, params: dict[str, Any]) -> SuccessfulResult | ErrorResult:
        """Replaces the SDK's method of this name, which `create` calls, and sends and raises the same."""
        body = request_body.written(params)
        status, text = self.config.http_strategy().http_do("POST", f"{self._address}{path}", self._headers, body)
        if Http.is_error_status(status):
            Http.raise_exception_from_status(status)
        answer: Any = XmlUtil.dict_from_xml(text) if text.strip() else {}
        if "transaction" in answer:
            return SuccessfulResult({"transaction": transactions_read.shown(answer["transaction"])})
        return ErrorResult(self.gateway, answer["api_error_response"])


def _shape(params: dict[str, Any]) -> tuple[object, ...] | None:
    """The input of the check; None if it is more than names."""
    shape: list[object] = []
    for name, value in params.items():
        if isinstance(value, dict):
            inner = _shape(value)
            if inner is None:
                return None
            shape.append((name, inner))
        elif isinstance(value, list):
            return None
        else:
            shape.append(name)
    return tuple(shape)
