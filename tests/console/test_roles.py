"""Each page and each act for each role: who sees it, and who is refused. A page without a row fails."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pytest
from django.test import Client

from bayar_console.urls import urlpatterns
from tests.console.conftest import Keys, Orders, signed_in
from tests.end_to_end.service import until

ROLES: Final = ("administrator", "support", "shop", "nobody")
# Pages that need no right, and what Django brings.
OPEN: Final = {"sign_in", "begin_oidc", "finish_oidc", "sign_out", "healthz"}


@dataclass(frozen=True, slots=True)
class Row:
    """path: of the page or act. seen_by: the roles that get it; the others are refused."""

    path: Callable[[Orders, str], str]
    seen_by: str


def _at(path: str) -> Callable[[Orders, str], str]:
    return lambda orders, dispute_id: path.format(orders=orders, dispute_id=dispute_id)


PAGES: Final = {
    "overview": Row(_at("/"), "administrator support shop nobody"),
    "payments": Row(_at("/payments"), "administrator support shop"),
    "payment": Row(_at("/payments/{orders.paid.payment_id}"), "administrator support shop"),
    "customers": Row(_at("/customers"), "administrator support shop"),
    "customer": Row(_at("/customers/{orders.customer_id}"), "administrator support shop"),
    "disputes": Row(_at("/disputes"), "administrator support"),
    "dispute": Row(_at("/disputes/{dispute_id}"), "administrator support"),
    "books": Row(_at("/books"), "administrator support"),
    "compare_books": Row(_at("/books/comparison?from=2026-11-01&until=2026-11-01"), "administrator support"),
    "unresolved": Row(_at("/work"), "administrator support"),
    "webhooks": Row(_at("/webhooks"), "administrator support"),
    "blocks": Row(_at("/blocks"), "administrator support"),
    "reconcile": Row(_at("/reconcile"), "administrator"),
}
# Each is sent without its request id, so that whoever may act is told that the form is too old.
ACTS: Final = {
    "act_on_payment refund": Row(_at("/payments/{orders.held.payment_id}/refund"), "administrator support shop"),
    "act_on_payment void": Row(_at("/payments/{orders.held.payment_id}/void"), "administrator support shop"),
    "act_on_payment capture": Row(_at("/payments/{orders.held.payment_id}/capture"), "administrator shop"),
    "act_on_payment adjust": Row(_at("/payments/{orders.held.payment_id}/adjust"), "administrator shop"),
    "act_on_payment verify": Row(_at("/payments/{orders.held.payment_id}/verify"), "administrator support shop"),
    "delete_method": Row(_at("/customers/{orders.customer_id}/methods/pm_1/delete"), "administrator shop"),
    "make_default": Row(_at("/customers/{orders.customer_id}/methods/pm_1/default"), "administrator shop"),
    "erase_customer": Row(_at("/customers/{orders.customer_id}/erase"), "administrator shop"),
    "act_on_dispute text": Row(_at("/disputes/{dispute_id}/text"), "administrator"),
    "act_on_dispute accept": Row(_at("/disputes/{dispute_id}/accept"), "administrator"),
    "resolve": Row(_at("/work/op_1"), "administrator"),
    "retry_notification": Row(_at("/webhooks/notifications/whn_1"), "administrator nobody"),
    "resend_events": Row(_at("/webhooks/endpoints/shop"), "administrator nobody"),
    "lift_block": Row(_at("/blocks/blk_1"), "administrator"),
    "mend": Row(_at("/reconcile/mend"), "administrator"),
}
# A stream that stays open; tests of the browser follow it.
FOLLOWED: Final = {"watch_payment"}


@pytest.fixture(scope="module")
def people(console: object, keys: Keys) -> dict[str, Client]:
    assert console
    own = {"administrator": keys.operator, "support": keys.support, "shop": keys.shop, "nobody": keys.nobody}
    return {role: signed_in(key) for role, key in own.items()}


@pytest.fixture(scope="module")
def dispute_id(people: dict[str, Client], orders: Orders) -> str:
    def link() -> str:
        answer = people["administrator"].get(f"/payments/{orders.disputed.payment_id}")
        page: str = answer.content.decode()
        return page.partition("/disputes/")[2].partition('"')[0]

    return until(link, what="the link to the dispute")


def test_every_page_and_act_has_a_row() -> None:
    names = {one.name for one in urlpatterns if getattr(one, "name", None)}
    assert names == OPEN | FOLLOWED | set(PAGES) | {name.split()[0] for name in ACTS}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("role", ROLES)
def test_a_page_is_seen_by_those_who_may(
    people: dict[str, Client], orders: Orders, dispute_id: str, role: str, name: str
) -> None:
    row = PAGES[name]
    answer = people[role].get(row.path(orders, dispute_id))
    page = answer.content.decode()
    if role in row.seen_by.split():
        assert answer.status_code == 200, page
    else:
        assert answer.status_code == 403
        assert "You do not have this right" in page
        assert orders.paid.reference not in page


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("role", ROLES)
def test_the_menu_leads_only_where_a_person_may_go(
    people: dict[str, Client], orders: Orders, dispute_id: str, role: str, name: str
) -> None:
    path = PAGES[name].path(orders, dispute_id)
    menu = people[role].get("/").content.decode().partition("<nav")[2].partition("</nav>")[0]
    if f'href="{path}"' in menu:
        assert role in PAGES[name].seen_by.split()


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("role", ROLES)
def test_an_act_is_taken_from_those_who_may(
    people: dict[str, Client], orders: Orders, dispute_id: str, role: str, name: str
) -> None:
    row = ACTS[name]
    path = row.path(orders, dispute_id)
    assert people[role].get(path).status_code in (403, 404, 405), "an act is no link"
    answer = people[role].post(path, {"reason": str(uuid.uuid4())})
    assert (answer.status_code != 403) == (role in row.seen_by.split()), answer.content.decode()
