"""The pages of the shop: products, cart, checkout by redirect or in a frame, orders, stored cards, the owner's desk."""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from flask import Flask, abort, flash, redirect, render_template, request, session, url_for
from werkzeug.exceptions import NotFound
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.wrappers import Response

from bayar import BayarError, CheckoutResultError, verify_checkout_result
from shop.catalogue import PRODUCTS, price_text
from shop.orders import Account, Line, Order, Records
from shop.payments import Payments

LARGEST_QUANTITY = 20


@dataclass(frozen=True, slots=True)
class Shop:
    """owner_password: opens the owner's desk. checkout_origin: the origin of the page that the shop frames."""

    records: Records
    payments: Payments
    owner_password: str
    checkout_origin: str


def create_app(shop: Shop, secret_key: str) -> Flask:
    """The shop as a WSGI application."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY=secret_key, SESSION_COOKIE_NAME="shop", SESSION_COOKIE_SAMESITE="Lax")
    app.jinja_env.filters["price"] = price_text
    app.jinja_env.globals["form_token"] = _form_token
    app.before_request(_check_form)
    app.after_request(lambda response: _harden(response, shop.checkout_origin))
    app.register_error_handler(BayarError, _not_now)
    _add_shopping(app, shop)
    _add_orders(app, shop)
    _add_accounts(app, shop)
    _add_desk(app, shop)
    return app


def _add_shopping(app: Flask, shop: Shop) -> None:
    @app.get("/")
    def products() -> str:
        return _page("products.html", products=PRODUCTS.values())

    @app.get("/cart")
    def cart() -> str:
        lines = _cart_lines()
        return _page("cart.html", lines=lines, total=sum(line.amount for line in lines))

    @app.post("/cart")
    def change_cart() -> Any:
        product, quantity = request.form.get("product", ""), request.form.get("quantity", "1")
        if product not in PRODUCTS or not quantity.isdecimal():
            abort(400)
        items = dict(session.get("cart", {}))
        wanted = int(quantity) + (items.get(product, 0) if "add" in request.form else 0)
        items[product] = min(wanted, LARGEST_QUANTITY)
        session["cart"] = {name: count for name, count in items.items() if count}
        # A changed cart is a new order. An order that is being paid keeps its lines.
        session.pop("order", None)
        return redirect(url_for("cart"))

    @app.post("/checkout")
    def checkout() -> Any:
        lines = _cart_lines()
        if not lines:
            return redirect(url_for("cart"))
        order = _order_of_cart(shop, lines)
        if order.is_paid:
            return redirect(url_for("show_order", number=order.number))
        address = _checkout_address(shop, order)
        if not address and not shop.payments.refresh(shop.records.order(order.number)).may_be_paid:
            # Its checkout has expired. The cart is a new order.
            session.pop("order", None)
            order = _order_of_cart(shop, lines)
            address = _checkout_address(shop, order)
        if not address:  # It was paid, or may have been: the order's page says which.
            return redirect(url_for("return_from_checkout", number=order.number))
        if request.form.get("in") == "frame":
            return _page("pay.html", order=order, address=address)
        return redirect(address, code=303)


def _add_orders(app: Flask, shop: Shop) -> None:
    @app.get("/orders/<int:number>/return")
    def return_from_checkout(number: int) -> Any:
        """The checkout page returns here; in a frame, the page leaves the frame."""
        order = _order(shop, number)
        if number not in session.get("orders", []) and not _is_signed(order):
            abort(404)
        _remember(number)
        order = shop.payments.refresh(order)
        if order.is_paid:
            session.pop("cart", None)
            session.pop("order", None)
        return _page("returned.html", order=order)

    @app.get("/orders/<int:number>")
    def show_order(number: int) -> str:
        order = _order(shop, number)
        account = _account(shop)
        if number not in session.get("orders", []) and (account is None or order.email != account.email):
            abort(404)
        return _page("order.html", order=shop.payments.refresh(order))

    @app.get("/orders")
    def orders() -> str:
        account = _account(shop)
        numbers = session.get("orders", [])
        own = shop.records.orders(account.email) if account else []
        seen = [shop.records.order(number) for number in numbers if number not in {order.number for order in own}]
        return _page("orders.html", orders=[*own, *seen])


def _add_accounts(app: Flask, shop: Shop) -> None:
    @app.get("/account")
    def account() -> str:
        signed_in = _account(shop)
        methods = shop.payments.stored_methods(signed_in.customer_id) if signed_in else []
        return _page("account.html", account=signed_in, methods=methods)

    @app.post("/account")
    def sign_in() -> Any:
        """Sign in, or open an account for a new e-mail address."""
        email, name = request.form.get("email", "").strip().lower(), request.form.get("name", "").strip()
        password = request.form.get("password", "")
        if email.count("@") != 1 or len(email) > 200 or not password:
            flash("Please give an e-mail address and a password.")
            return redirect(url_for("account"))
        known = shop.records.account(email)
        if known and not check_password_hash(known.password_hash, password):
            flash("This password is wrong.")
            return redirect(url_for("account"))
        if not known:
            customer_id = shop.payments.create_customer(email, name)
            shop.records.add_account(Account(email, name, generate_password_hash(password), customer_id))
        session["email"] = email
        session.pop("order", None)
        return redirect(url_for("cart") if session.get("cart") else url_for("account"))

    @app.post("/account/leave")
    def sign_out() -> Any:
        session.clear()
        return redirect(url_for("products"))

    @app.post("/account/cards/<payment_method_id>/forget")
    def forget(payment_method_id: str) -> Any:
        signed_in = _account(shop)
        if signed_in is None:
            raise NotFound
        shop.payments.forget_method(signed_in.customer_id, payment_method_id)
        return redirect(url_for("account"))


def _add_desk(app: Flask, shop: Shop) -> None:
    @app.get("/owner")
    def desk() -> str:
        if not session.get("owner"):
            return _page("owner_sign_in.html")
        return _page("owner.html", orders=shop.records.orders(), new_request_id=uuid.uuid4)

    @app.post("/owner")
    def open_desk() -> Any:
        if hmac.compare_digest(request.form.get("password", "").encode(), shop.owner_password.encode()):
            session["owner"] = True
        else:
            flash("This password is wrong. The terminal shows it.")
        return redirect(url_for("desk"))

    @app.post("/owner/orders/<int:number>/refund")
    def refund(number: int) -> Any:
        if not session.get("owner"):
            abort(403)
        order = _order(shop, number)
        amount = _minor_units(request.form.get("amount", ""))
        if amount is None or not 0 < amount <= order.refundable:
            flash(f"Please give an amount between $0.01 and {price_text(order.refundable)}.")
            return redirect(url_for("desk"))
        refunded = shop.payments.refund(order, amount, request.form.get("request_id", ""))
        flash(f"Order {number}: {price_text(amount)} goes back. The payment is {refunded.state.lower()}.")
        return redirect(url_for("desk"))


def _page(template: str, **values: object) -> str:
    return str(render_template(template, **values))


def _minor_units(text: str) -> int | None:
    """The minor units of an amount such as 14.50; None for any other text."""
    whole, _, cents = text.strip().partition(".")
    if not whole.isascii() or not whole.isdecimal() or len(whole) > 6 or len(cents) > 2 or not f"0{cents}".isdecimal():
        return None
    return int(whole) * 100 + int(cents.ljust(2, "0"))


def _cart_lines() -> list[Line]:
    items = session.get("cart", {})
    known = ((PRODUCTS[name], count) for name, count in items.items() if name in PRODUCTS)
    return [Line(product.name, count, product.price * count) for product, count in known]


def _order_of_cart(shop: Shop, lines: list[Line]) -> Order:
    """The order of this cart: a second click and a second tab pay the same one."""
    number = session.get("order")
    if number is None:
        account = _account(shop)
        number = shop.records.add_order(lines, account.email if account else None).number
        session["order"] = number
        _remember(number)
    return shop.records.order(number)


def _checkout_address(shop: Shop, order: Order) -> str:
    """Empty when nobody can pay the order's checkout any more."""
    account = _account(shop)
    return shop.payments.checkout_address(order, account.customer_id if account else "")


def _order(shop: Shop, number: int) -> Order:
    try:
        return shop.records.order(number)
    except KeyError:
        raise NotFound from None


def _is_signed(order: Order) -> bool:
    """Whether the address has the signed result of this order: then any browser may see that it is paid."""
    try:
        return verify_checkout_result(request.args, order.result_key).reference == order.reference
    except CheckoutResultError:
        return False


def _remember(number: int) -> None:
    """Orders that this browser may see without an account."""
    session["orders"] = [number, *(other for other in session.get("orders", []) if other != number)][:20]


def _account(shop: Shop) -> Account | None:
    return shop.records.account(session.get("email", ""))


def _form_token() -> str:
    """A secret of this browser's session, in every form: another site cannot post them."""
    if "form" not in session:
        session["form"] = secrets.token_urlsafe(16)
    return str(session["form"])


def _check_form() -> None:
    if request.method == "POST" and not hmac.compare_digest(request.form.get("form", ""), session.get("form", " ")):
        abort(400, "This form is too old. Go back, load the page again, and send it once more.")


def _harden(response: Response, checkout_origin: str) -> Response:
    response.headers["Content-Security-Policy"] = (
        f"default-src 'self'; frame-src 'self' {checkout_origin}; frame-ancestors 'self'; base-uri 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _not_now(error: BayarError) -> tuple[str, int]:
    """Nothing is lost: the order is kept, and the same request is sent again the next time."""
    return _page("not_now.html", reason=error.reason), 503
