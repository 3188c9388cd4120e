"""Handles one request: authenticates the caller, finds the route, runs its handler, writes the response."""

from __future__ import annotations

import gzip
import json
import logging
import re
from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qsl

from braintree_twin.browser.hosts import host_page
from braintree_twin.browser.web_package import WebPackage
from braintree_twin.calls import Answer, AnyAnswer, Call, JsonAnswer, PageAnswer
from braintree_twin.client_api.authentication import unverified_merchant_id
from braintree_twin.client_api.errors import client_error
from braintree_twin.client_api.web_requests import is_jsonp, read_query, unwrapped, wrapped
from braintree_twin.clock import Clock
from braintree_twin.errors import (
    FailedSearch,
    Forbidden,
    NotAuthenticated,
    NotFound,
    RequestError,
    TooLarge,
    UnhandledFields,
    UnknownVersion,
)
from braintree_twin.graphql_api import endpoint as graphql_api
from braintree_twin.http_messages import Request, Response
from braintree_twin.ids import Ids
from braintree_twin.json_reader import read_json
from braintree_twin.merchants import Merchant, Merchants
from braintree_twin.oauth.grants import bearer, grant_of_access_token, merchant_named
from braintree_twin.oauth.scopes import permits
from braintree_twin.params import Params
from braintree_twin.request_schema import Effect, UnhandledField, filled, unhandled_fields
from braintree_twin.resources import ROUTES
from braintree_twin.resources.created_merchants import restore_merchants
from braintree_twin.resources.merchant_accounts import restore_accounts
from braintree_twin.routing import CLIENT_API, CREATED_MERCHANTS, Match, Router
from braintree_twin.state.store import Store
from braintree_twin.unhandled_fields import UnhandledFieldCounter
from braintree_twin.validation import Errors, ValidationFailed, error_answer
from braintree_twin.views.cards import IMAGE_ENVIRONMENT
from braintree_twin.xml_reader import Value, read_xml
from braintree_twin.xml_writer import Node, write_xml

MAX_DOCUMENT_BYTES = 1024 * 1024
XML = "application/xml; charset=utf-8"
UNROUTED = "(no route)"
# Calls for servers that check other credentials than a merchant's keys.
_XML_WITHOUT_KEYS = ("/oauth", CREATED_MERCHANTS, "/local_payments")
# CORS headers: browsers need them before a page may call another origin.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Braintree-Version, Client-Key, Content-Type, X-ApiVersion",
    "Access-Control-Max-Age": "86400",
}
# The Node SDK sends JSON and reads XML.
_READERS: dict[str, Callable[[bytes], dict[str, Value]]] = {
    **dict.fromkeys(("application/xml", "text/xml", ""), read_xml),
    "application/json": read_json,
}

_log = logging.getLogger(__name__)


class App:
    def __init__(
        self,
        store: Store,
        merchants: Merchants,
        *,
        strict: bool = False,
        gateway_hosts: bool = False,
        web_package: WebPackage | None = None,
    ) -> None:
        self.store = store
        self._strict = strict
        self._gateway_hosts = gateway_hosts
        self._web_package = web_package
        # The address for browsers, once it listens there.
        self.browser_url = ""
        self.unhandled = UnhandledFieldCounter()
        self.merchants = merchants
        self.clock = Clock(store)
        self.ids = Ids(store.secret("hash"))
        self._router = Router((*ROUTES, *graphql_api.ROUTES))
        self._in_flight: dict[str, set[str]] = {}
        # Loads the records that the state begins with.
        self.load_initial: Callable[[], None] = lambda: None
        restore_merchants(store, merchants)
        for merchant in merchants:
            restore_accounts(store, merchant)

    def call(self, merchant: Merchant, base_url: str = "") -> Call:
        """A call that the twin makes itself on behalf of a merchant."""
        return Call(
            merchant=merchant,
            store=self.store,
            clock=self.clock,
            ids=self.ids,
            base_url=base_url,
            gateway_hosts=self._gateway_hosts,
            browser_url=self.browser_url,
            find_owner=self.merchants.owner_of,
            add_merchant=self.merchants.add,
            merchant_ids=lambda: [merchant.id for merchant in self.merchants],
        )

    def reset(self) -> None:
        """Forget every record and the moves of the clock, and load what the state begins with."""
        with self.store.change():
            self.store.clear()
            self.clock.reset()
        self.merchants.forget_created()
        for merchant in self.merchants:
            merchant.forget_created_accounts()
        self.unhandled = UnhandledFieldCounter()
        self.load_initial()

    def handle(self, request: Request) -> Response:
        """Handle the request. Every change is committed before this returns."""
        if CLIENT_API in request.path and is_jsonp(request):
            return self._handle_jsonp(request)
        match = self._router.match(request.method, request.path)
        response = self._respond(request, match)
        response.route = match.name if match else UNROUTED
        return response

    def _handle_jsonp(self, request: Request) -> Response:
        try:
            asked, callback = unwrapped(request)
        except RequestError as refusal:
            return self._answer(request, client_error(refusal.status, refusal.message))
        return wrapped(self.handle(asked), callback)

    def reserve_key(self, request: Request) -> Callable[[], None]:
        """Reserve the request's api_request_key until the returned function is called; others with it get 915233."""
        keys = self._in_flight.setdefault(request.merchant_id or "", set())
        try:
            key = Params.of(self._document(request), "transaction").text("api_request_key")
        except RequestError:
            key = None
        if key is None or key in keys:
            return lambda: None
        keys.add(key)
        return lambda: keys.discard(key)

    def _respond(self, request: Request, match: Match | None) -> Response:
        call: Call | None = None
        try:
            page = self._page(request)
            if request.method == "OPTIONS" and (page or _is_for_browsers(request.path)):
                return Response(200, headers=_preflight(request))
            if page:
                return self._answer(request, page)
            if match is None and CLIENT_API in request.path:
                return self._answer(request, client_error(404, "Not found"))
            call = self._authenticated(request, match)
            if match is None:
                return _empty(404)
            _check_version(request)
            call.path, call.route, call.query = match.values, match.name, dict(parse_qsl(request.query))
            call.document = self._browser_document(request) if match.route.for_browsers else self._document(request)
            call.note_unhandled = partial(self._count_unhandled, match.name)
            self._note_unhandled(match, request, call)
            return self._answer(request, self._run(match, call), call.merchant.environment)
        except ValidationFailed as failure:
            echo = Params(call.document).echo() if call else {}
            if _is_client_api(match):
                return self._answer(request, client_error(422, "Invalid request", failure.errors))
            return self._error(request, 422, {**error_answer(failure.errors, echo), **failure.things})
        except RequestError as refusal:
            if request.path == graphql_api.PATH and not isinstance(refusal, UnhandledFields):
                return self._answer(request, graphql_api.refused(self.ids, refusal))
            if _is_client_api(match):
                return self._answer(request, client_error(refusal.status, refusal.message or "Not found"))
            if isinstance(refusal, NotFound | NotAuthenticated):
                return _empty(refusal.status)
            if isinstance(refusal, FailedSearch):
                return self._answer(request, Answer("search", {"message": refusal.message}, refusal.status))
            return self._error(request, refusal.status, error_answer(Errors(), {}, message=refusal.message))
        except Exception:
            # Without details of the request: they may contain a card number.
            _log.exception("a request failed: %s", match.name if match else UNROUTED)
            return _empty(500)

    def _page(self, request: Request) -> PageAnswer | None:
        """A page or script of the gateway's other hosts, which needs no merchant."""
        page = host_page(request.method, request.path)
        if page is None and self._web_package:
            local = self.browser_url if request.base_url == self.browser_url else ""
            return self._web_package.page(request.path, local)
        return page

    def _note_unhandled(self, match: Match, request: Request, call: Call) -> None:
        """Name what the twin does not act on, unless the handler does that itself."""
        route = match.route
        if route.takes is None:
            return
        # The scripts of browsers leave fields empty that have nothing to say.
        document = filled(call.document) if route.for_browsers else call.document
        found = unhandled_fields(document, route.takes)
        if not route.for_browsers:
            found += [UnhandledField(f"query.{name}", Effect.UNKNOWN) for name in call.query if name not in route.query]
            kind = media_type(request)
            if request.body.strip() and kind not in _READERS:
                found.append(UnhandledField(f"body ({kind})", Effect.UNKNOWN))
        self._count_unhandled(match.name, found)

    def _count_unhandled(self, route: str, found: list[UnhandledField]) -> None:
        """Count the fields that the twin does not act on; refuse them if it is strict."""
        if found:
            self.unhandled.count(route, found)
            if self._strict:
                raise UnhandledFields(f"braintree-twin --strict: {'; '.join(str(each) for each in found)}")

    def _authenticated(self, request: Request, match: Match | None) -> Call:
        merchant_id = request.merchant_id
        if merchant_id is None and match is not None and not match.route.needs_keys:
            merchant_id = unverified_merchant_id(request.headers) or self._owner_of_keys(request)
            merchant_id = merchant_id or self._owner_of_application(request)
        merchant = self.merchants.get(merchant_id or "")
        needs_keys = match is None or match.route.needs_keys
        if merchant is None or (needs_keys and not self._may_act(merchant, request)):
            raise NotAuthenticated
        if needs_keys and match is not None:
            self._check_scope(match, request)
        call = self.call(merchant, request.base_url)
        call.keys_in_flight = self._in_flight.get(merchant.id, ())
        call.body, call.content_type = request.body, request.headers.get("content-type", "")
        call.headers = request.headers
        return call

    def _may_act(self, merchant: Merchant, request: Request) -> bool:
        """Whether the request has the merchant's keys, or an access token that the merchant granted."""
        given = request.headers.get("authorization", "")
        token = bearer(given)
        if token is None:
            return merchant.has_keys(given)
        granted = grant_of_access_token(self.store, token, self.clock.stamp())
        return granted is not None and merchant_named(token) == merchant.id

    def _check_scope(self, match: Match, request: Request) -> None:
        """Raise Forbidden if an access token is given whose scopes do not permit the call."""
        token = bearer(request.headers.get("authorization", ""))
        granted = grant_of_access_token(self.store, token, self.clock.stamp()) if token else None
        if granted and not permits(granted.scope, match.route.method, match.route.path):
            raise Forbidden(f"the scope {granted.scope} does not permit this call")

    def _owner_of_application(self, request: Request) -> str | None:
        owner = self.merchants.owner_of(dict(parse_qsl(request.query)).get("client_id", ""))
        return owner.id if owner else None

    def _owner_of_keys(self, request: Request) -> str | None:
        """The merchant whose keys, client credentials or access token are given, for paths that name none."""
        given = request.headers.get("authorization", "")
        token = bearer(given)
        if token:
            return merchant_named(token)
        owners = (one.id for one in self.merchants if one.has_keys(given) or one.has_client_credentials(given))
        return next(owners, None)

    def _document(self, request: Request) -> dict[str, Value]:
        reader = _READERS.get(media_type(request))
        if not request.body or reader is None:
            return {}
        if len(request.body) > MAX_DOCUMENT_BYTES:
            raise TooLarge(f"the body is larger than {MAX_DOCUMENT_BYTES} bytes")
        return reader(request.body)

    def _browser_document(self, request: Request) -> dict[str, Value]:
        """The fields of a call of the client API: those of the query, and those of the body over them."""
        if len(request.body) > MAX_DOCUMENT_BYTES:
            raise TooLarge(f"the body is larger than {MAX_DOCUMENT_BYTES} bytes")
        in_query = json.dumps(read_query(request.query)).encode()
        return {**read_json(in_query), **read_json(request.body)}

    def _run(self, match: Match, call: Call) -> AnyAnswer:
        if match.route.method == "GET":
            return match.route.handler(call)
        with self.store.change():
            return match.route.handler(call)

    def _answer(self, request: Request, answer: AnyAnswer, environment: str = "sandbox") -> Response:
        if isinstance(answer, PageAnswer):
            headers = {"Content-Type": answer.content_type, **answer.headers, **CORS}
            response = Response(answer.status, answer.text.encode(), headers, framed=True)
            return self._compressed(request, response)
        if isinstance(answer, JsonAnswer):
            body = json.dumps(answer.content, separators=(",", ":")).encode()
            headers = {"Content-Type": "application/json; charset=utf-8", **CORS}
            return self._compressed(request, Response(answer.status, body, headers))
        if answer.root is None:
            # One space, as Rails answers without a document: the Node and Ruby SDKs trip over nothing at all.
            return self._compressed(request, Response(answer.status, b" ", {"Content-Type": XML}))
        body = write_xml(answer.root, answer.node)
        if environment != "sandbox":
            body = body.replace(IMAGE_ENVIRONMENT.encode(), f"?environment={environment}".encode())
        return self._xml(request, answer.status, body)

    def _error(self, request: Request, status: int, node: Node) -> Response:
        return self._xml(request, status, write_xml("api_error_response", node))

    def _xml(self, request: Request, status: int, body: bytes) -> Response:
        return self._compressed(request, Response(status, body, {"Content-Type": XML}))

    def _compressed(self, request: Request, response: Response) -> Response:
        response.headers["Vary"] = "Accept-Encoding"
        if accepts_gzip(request.headers.get("accept-encoding", "")):
            response.body = gzip.compress(response.body, compresslevel=1, mtime=0)
            response.headers["Content-Encoding"] = "gzip"
        return response


def media_type(request: Request) -> str:
    """The type of the body, without its parameters."""
    return request.headers.get("content-type", "application/xml").partition(";")[0].strip().lower()


def _empty(status: int) -> Response:
    return Response(status, b"", {"Content-Type": XML})


def accepts_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header accepts gzip; `gzip;q=0` refuses it."""
    for part in accepted.split(","):
        name, _, weight = part.partition(";")
        if name.strip().lower() in ("gzip", "x-gzip", "*"):
            return re.fullmatch(r"q=0(\.0*)?", weight.strip()) is None
    return False


def _is_client_api(match: Match | None) -> bool:
    return match is not None and not match.route.needs_keys and not match.route.path.startswith(_XML_WITHOUT_KEYS)


def _is_for_browsers(path: str) -> bool:
    return path in ("/graphql", "/tokens") or CLIENT_API in path


def _preflight(request: Request) -> dict[str, str]:
    """The CORS headers, which allow whatever headers the page asks to send."""
    asked = request.headers.get("access-control-request-headers")
    return {**CORS, "Access-Control-Allow-Headers": asked} if asked else dict(CORS)


def _check_version(request: Request) -> None:
    """Check the header X-ApiVersion, if it is there: a whole number from 1."""
    version = request.headers.get("x-apiversion", "1").strip()
    if not (version.isascii() and version.isdigit() and int(version[:9]) >= 1):
        raise UnknownVersion("this API version is not served")
