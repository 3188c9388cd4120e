"""The page as HTML. Every text goes through ElementTree, which escapes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from adapters.checkout.assets import Assets
from adapters.checkout.site import Site
from adapters.checkout.texts import Texts, all_texts
from adapters.checkout.ways_to_pay import WaysToPay, is_card
from application.checkouts.view_checkout import CheckoutView
from domain.checkout import Checkout, CheckoutMethod, Standing
from domain.instrument import InstrumentKind
from domain.payment_method import PaymentMethod
from domain.three_d_secure import ThreeDSecurePolicy

# The texts that the page's script shows.
_SCRIPT_TEXTS: Final = (
    *("paying", "checking", "offline", "to_paypal", "paypal_cancelled", "no_method", "paid", "network", "unknown"),
    *("not_loaded", "card_refused", "not_authenticated", "number_label", "expiry_label", "expiry_example", "cvv_label"),
    *("number_empty", "number_invalid", "expiry_empty", "expiry_invalid", "cvv_empty", "cvv_invalid"),
)
_COMPONENTS: Final = ("client", "hosted-fields", "three-d-secure", "data-collector")
_KINDS: Final = {
    InstrumentKind.PAYPAL: "PayPal",
    InstrumentKind.APPLE_PAY: "Apple Pay",
    InstrumentKind.GOOGLE_PAY: "Google Pay",
    InstrumentKind.VENMO: "Venmo",
}
# With the names of their texts.
_WALLETS: Final = {CheckoutMethod.APPLE_PAY: "apple_pay", CheckoutMethod.PAYPAL: "paypal"}
_SHOWS_FORM: Final = frozenset({Standing.OPEN, Standing.DECLINED, Standing.PENDING})


@dataclass(frozen=True, slots=True)
class Shown:
    """One shopper's page. `state`, `message` and `return_url` are as the script reads them."""

    view: CheckoutView
    state: str
    message: str
    return_url: str
    # Until the checkout expires.
    seconds_left: int
    request_token: str
    policy: ThreeDSecurePolicy
    ways: WaysToPay


def checkout_page(shown: Shown, site: Site, assets: Assets, texts: Texts) -> str:
    checkout = shown.view.checkout
    has_form = shown.view.standing in _SHOWS_FORM
    html, body = _document(site, assets, texts, request_token=shown.request_token)
    attributes = {
        "id": "checkout",
        "data-state": shown.state,
        "data-attempt": str(shown.view.attempt),
        "data-amount": checkout.terms.amount.to_decimal(),
        "data-currency": checkout.terms.amount.currency_code,
        "data-seconds-left": str(shown.seconds_left),
    }
    if shown.policy is not ThreeDSecurePolicy.NOT_WANTED:
        attributes["data-authenticate"] = "true"
    if not shown.ways.card:
        attributes["data-card"] = "false"
    main = SubElement(body, "main", attributes)
    _header(main, site, assets, texts)
    _order(main, checkout, texts)
    is_message = shown.view.standing not in (Standing.PENDING, Standing.PAID)
    message = shown.message if is_message else ""
    if shown.view.standing.can_pay and shown.ways.are_none:
        message = message or texts["no_method"]
    _notice(main, "message", "alert", message)
    _notice(main, "progress", "status", "" if is_message else shown.message)
    if has_form:
        _form(main, shown, texts)
    # The end of the page: there is nothing to do but to go back.
    is_over = not has_form and bool(shown.return_url)
    back = {"class": "button", "id": "return", "href": shown.return_url if is_over else "#"}
    _add(main, "a", texts["back"], back if is_over else {**back, "hidden": ""})
    _footer(main, checkout, texts, can_cancel=shown.view.standing.can_pay)
    if has_form:
        _add(SubElement(main, "noscript"), "p", texts["no_script"])
    # A block of data. No text can end it: "<" is escaped.
    known = json.dumps({name: texts[name] for name in _SCRIPT_TEXTS}, ensure_ascii=False).replace("<", "\\u003c")
    _add(body, "script", known, {"type": "application/json", "id": "texts"})
    if has_form:
        for name in _components(shown.ways):
            SubElement(body, "script", {"src": f"{site.scripts_url}/{name}.min.js", "defer": ""})
        SubElement(body, "script", {"src": assets.script.path, "defer": ""})
    return _html(html)


def notice_page(message: str, site: Site, assets: Assets, texts: Texts) -> str:
    """A page without a checkout: it gives nothing away."""
    html, body = _document(site, assets, texts)
    main = SubElement(body, "main")
    _header(main, site, assets, texts)
    _notice(main, "message", "alert", message)
    return _html(html)


def _document(site: Site, assets: Assets, texts: Texts, request_token: str = "") -> tuple[Element, Element]:
    html = Element("html", {"lang": texts.locale, "dir": texts.direction})
    head = SubElement(html, "head")
    SubElement(head, "meta", {"charset": "utf-8"})
    SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    SubElement(head, "meta", {"name": "robots", "content": "noindex"})
    if request_token:
        SubElement(head, "meta", {"name": "checkout-csrf", "content": request_token})
    _add(head, "title", site.shop_name or texts["title"])
    SubElement(head, "link", {"rel": "icon", "href": "data:,"})
    SubElement(head, "link", {"rel": "stylesheet", "href": assets.style.path})
    return html, SubElement(html, "body")


def _header(main: Element, site: Site, assets: Assets, texts: Texts) -> None:
    header = SubElement(main, "header")
    _add(header, "h1", site.shop_name or texts["title"])
    if assets.logo is not None:
        # The name beside it says the same.
        SubElement(header, "img", {"id": "logo", "src": assets.logo.path, "alt": "" if site.shop_name else "Logo"})


def _order(main: Element, checkout: Checkout, texts: Texts) -> None:
    section = SubElement(main, "section", {"id": "order", "aria-label": texts["order"]})
    if checkout.terms.lines:
        rows = SubElement(SubElement(section, "table"), "tbody")
        for line in checkout.terms.lines:
            row = SubElement(rows, "tr")
            name = line.description
            if line.quantity > 1:
                name = texts.filled("line", quantity=line.quantity, description=line.description)
            _add(row, "th", name, {"scope": "row"})
            _add(row, "td", texts.amount(line.amount))
    total = SubElement(section, "p", {"id": "total"})
    if checkout.terms.lines:
        _add(total, "span", f"{texts['total']} ")
    _add(total, "strong", texts.amount(checkout.terms.amount))
    _add(section, "p", texts.filled("reference", reference=checkout.terms.reference), {"id": "reference"})


def _form(main: Element, shown: Shown, texts: Texts) -> None:
    terms = shown.view.checkout.terms
    if shown.ways.wallets:
        wallets = SubElement(main, "div", {"id": "wallets", "hidden": ""})
        for wallet, name in _WALLETS.items():
            if wallet in shown.ways.wallets:
                _add(wallets, "button", texts[name], {"id": name.replace("_", "-"), "type": "button", "hidden": ""})
        if shown.ways.card and not shown.ways.stored:
            _add(wallets, "p", texts["or_card"], {"id": "or"})
    form = SubElement(main, "form", {"id": "payment", "novalidate": "", "method": "post"})
    if shown.view.standing is Standing.PENDING:
        form.set("hidden", "")
    if shown.ways.stored:
        _methods(form, shown.ways.stored, texts, takes_card=shown.ways.card)
    _card(form, texts, offers_storing=terms.offers_storing)
    # The script enables it once the fields are there.
    button = {"id": "pay", "disabled": ""}
    if not shown.ways.card and not shown.ways.stored:
        button["hidden"] = ""
    _add(form, "button", texts.filled("pay", amount=texts.amount(terms.amount)), button)
    _add(form, "p", texts["secured"], {"id": "secured"})


def _methods(form: Element, methods: Sequence[PaymentMethod], texts: Texts, *, takes_card: bool) -> None:
    fieldset = SubElement(form, "fieldset", {"id": "methods"})
    _add(fieldset, "legend", texts["pay_with"])
    chosen = next((one for one in methods if one.is_default), methods[0])
    for method in methods:
        more = {"checked": ""} if method is chosen else {}
        if not is_card(method):
            # The script asks no bank to authenticate its owner: PayPal and the like do that themselves.
            more["data-authenticate"] = "false"
        _radio(fieldset, method.payment_method_id, _name_of(method, texts), more)
    if takes_card:
        _radio(fieldset, "card", texts["another_card"], {})


def _radio(fieldset: Element, value: str, text: str, more: Mapping[str, str]) -> None:
    label = SubElement(fieldset, "label")
    SubElement(label, "input", {"type": "radio", "name": "method", "value": value, **more}).tail = f" {text}"


def _name_of(method: PaymentMethod, texts: Texts) -> str:
    instrument = method.instrument
    if instrument is None:
        return texts["new_card"]
    if instrument.kind is not InstrumentKind.CARD:
        kind = _KINDS.get(instrument.kind, texts["new_card"])
        return texts.filled("stored_account", kind=kind, account=instrument.account or instrument.last_four).strip()
    name = texts.filled("stored_card", brand=instrument.brand or texts["new_card"], last_four=instrument.last_four)
    if instrument.expiry is None:
        return name
    expiry = f"{instrument.expiry.month:02d}/{instrument.expiry.year}"
    return f"{name}, {texts.filled('valid_until', expiry=expiry)}"


def _card(form: Element, texts: Texts, *, offers_storing: bool) -> None:
    card = SubElement(form, "div", {"id": "card"})
    for name, kind in (("number", "whole"), ("expiry", ""), ("cvv", "")):
        field = SubElement(card, "div", {"class": kind} if kind else {})
        _add(field, "span", texts[f"{name}_label"], {"class": "label", "id": f"{name}-label"})
        SubElement(field, "div", {"class": "field", "id": f"card-{name}"})
        _add(field, "p", "", {"class": "error", "id": f"card-{name}-error", "aria-live": "polite", "hidden": ""})
    holder = SubElement(card, "div", {"class": "whole"})
    _add(holder, "label", texts["name_label"], {"class": "text", "for": "cardholder-name"})
    SubElement(holder, "input", {"id": "cardholder-name", "autocomplete": "cc-name", "maxlength": "175"})
    if offers_storing:
        label = SubElement(card, "label", {"class": "consent whole"})
        SubElement(label, "input", {"type": "checkbox", "id": "save"}).tail = f" {texts['save']}"


def _footer(main: Element, checkout: Checkout, texts: Texts, *, can_cancel: bool) -> None:
    footer = SubElement(main, "footer")
    if checkout.terms.cancel_url and can_cancel:
        _add(footer, "a", texts["cancel"], {"id": "cancel", "href": checkout.terms.cancel_url})
    for other in all_texts().values():
        if other.locale != texts.locale:
            address = {"href": f"?lang={other.locale}", "lang": other.locale, "hreflang": other.locale}
            _add(footer, "a", other["language"], {"id": "language", **address})


def _components(ways: WaysToPay) -> tuple[str, ...]:
    if CheckoutMethod.APPLE_PAY in ways.wallets:
        return (*_COMPONENTS, "apple-pay")
    return _COMPONENTS


def _notice(main: Element, name: str, role: str, text: str) -> None:
    # The script moves the focus to it.
    attributes = {"id": name, "role": role, "tabindex": "-1"}
    _add(main, "p", text, attributes if text else {**attributes, "hidden": ""})


def _add(parent: Element, tag: str, text: str, attributes: Mapping[str, str] | None = None) -> None:
    SubElement(parent, tag, dict(attributes or {})).text = text


def _html(html: Element) -> str:
    return "<!doctype html>\n" + tostring(html, encoding="unicode", method="html")
