"""Searches of vaulted cards that have expired, or expire between two months."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import MalformedRequest
from braintree_twin.request_schema import schema
from braintree_twin.search.paging import MAX_OTHER_RESULTS, ids_answer, page_answer
from braintree_twin.state.records import PaymentMethod
from braintree_twin.views.payment_methods import payment_method as method_view

# (year, month)
Month = tuple[int, int]
_EARLIEST: Month = (0, 1)


def _expired(call: Call) -> tuple[Month, Month]:
    now = call.clock.now()
    return _EARLIEST, (now.year, now.month - 1)


def _expiring(call: Call) -> tuple[Month, Month]:
    return _month(call.query.get("start", "")), _month(call.query.get("end", ""))


def _month(text: str) -> Month:
    try:
        moment = datetime.strptime(text, "%m%Y")  # noqa: DTZ007
    except ValueError as error:
        raise MalformedRequest("start and end must be months such as 052030") from error
    return moment.year, moment.month


def _cards(call: Call, months: tuple[Month, Month]) -> Iterator[PaymentMethod]:
    first, last = months
    for method in call.store.payment_methods.find(call.merchant.id, kind="credit_card"):
        card = method.card or {}
        if first <= (int(card["expiration_year"]), int(card["expiration_month"])) <= last:
            yield method


def _routes(name: str, months: Callable[[Call], tuple[Month, Month]]) -> tuple[Route, Route]:
    def search_ids(call: Call) -> Answer:
        return ids_answer([method.token for method in _cards(call, months(call))][:MAX_OTHER_RESULTS])

    def search(call: Call) -> Answer:
        wanted = set(call.params("search").texts("ids"))
        found = [method_view(call, method) for method in _cards(call, months(call)) if method.token in wanted]
        return page_answer("payment_methods", "credit_card", found)

    path = f"/payment_methods/all/{name}"
    query = frozenset({"start", "end"}) if name == "expiring" else frozenset()
    takes = {"search": schema("ids")}
    return (
        Route("POST", f"{path}_ids", search_ids, takes=takes, query=query),
        Route("POST", path, search, takes=takes, query=query),
    )


ROUTES = (*_routes("expired", _expired), *_routes("expiring", _expiring))
