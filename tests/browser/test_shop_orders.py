"""The example shop's orders, through its pages, with a real service and its checkout page."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.browser.checkout_site import Site
from tests.languages.toolchain import ROOT


def test_a_cart_whose_checkout_has_expired_is_a_new_order(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT / "docs" / "integrate")])
    from shop.orders import Records
    from shop.payments import Payments
    from shop.web import Shop, create_app

    records = Records(tmp_path / "shop.db")
    payments = Payments(site.bayar, records, "https://shop.example")
    browser = create_app(Shop(records, payments, "password", site.url), "key").test_client()
    form = re.search(r'name="form" value="([^"]+)"', browser.get("/").text)
    assert form is not None
    product = re.search(r'name="product" value="([^"]+)"', browser.get("/").text)
    assert product is not None
    browser.post("/cart", data={"form": form[1], "product": product[1], "quantity": "1"})
    first = browser.post("/checkout", data={"form": form[1]}).location
    assert browser.post("/checkout", data={"form": form[1]}).location == first
    (order,) = records.orders()
    site.bayar.expire_checkout(checkout_id=order.checkout_id)
    second = browser.post("/checkout", data={"form": form[1]}).location
    assert second.startswith(f"{site.url}/c/")
    assert second != first
    assert [each.number for each in records.orders()] == [order.number + 1, order.number]
