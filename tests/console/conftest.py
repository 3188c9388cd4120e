"""One service with its twin and one console for the run; people with different rights."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import uvicorn
from django.test import Client
from playwright.sync_api import Browser, sync_playwright

from bayar import BayarClient, CaptureMode, Payment, card, money
from bayar_console import web
from bayar_console.configuration import Configuration
from bayar_console.signin import person
from tests.browser.shop import CHROMIUM
from tests.crash.replica import free_port
from tests.end_to_end.service import Pair, until
from tests.languages.toolchain import debian
from tests.support.desk import Desk, running_pair_of_a_desk

HOST: Final = f"127.0.0.1:{free_port()}"
DECLINED: Final = "2001.00"
DISPUTED: Final = "4023898493988028"


@dataclass(frozen=True, slots=True)
class Keys:
    """operator: every right. reader: may only look. support: may give back as well. nobody: may not even look.
    shop: a caller's own key. stranger: of no use here.
    """

    operator: str
    reader: str
    support: str
    nobody: str
    shop: str
    stranger: str = "bayar_key_01m8knd589z6z61mkfbwr10dd4_nobody"


@dataclass(frozen=True, slots=True)
class Orders:
    """Payments of the shop."""

    paid: Payment
    declined: Payment
    held: Payment
    disputed: Payment
    customer_id: str


@pytest.fixture(scope="session")
def desk_of_the_console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running_pair_of_a_desk(tmp_path_factory.mktemp("console")) as (running, receiver):
        desk = Desk(running, receiver)
        yield desk
        desk.close()


@pytest.fixture(scope="session")
def pair(desk_of_the_console: Desk) -> Pair:
    return desk_of_the_console.pair


@pytest.fixture(scope="session")
def keys(pair: Pair) -> Keys:
    every = "read,refund,void,capture,adjust,methods,customers,disputes,lift-blocks,resolve,redeliver,reconcile"
    return Keys(
        operator=_bayar(pair, "operators", "add", "Siti Rahayu", "--rights", every),
        reader=_bayar(pair, "operators", "add", "Rudi Hartono", "--rights", "read"),
        support=_bayar(pair, "operators", "add", "Dewi Lestari", "--rights", "read,refund,void"),
        nobody=_bayar(pair, "operators", "add", "Agus Wijaya", "--rights", "redeliver"),
        shop=_bayar(
            pair,
            "keys",
            "create",
            "shop",
            "--scopes",
            "payments:read,payments:write,payments:refund,customers:read,customers:write",
        ),
    )


def _bayar(pair: Pair, *arguments: str) -> str:
    command = [sys.executable, "-m", "bootstrap.cli.main", *arguments]
    done = subprocess.run(
        command, env=pair.service.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="session")
def shop(pair: Pair, keys: Keys) -> Iterator[BayarClient]:
    with BayarClient(pair.service.address, credential=keys.shop) as client:
        yield client


@pytest.fixture(scope="session")
def orders(shop: BayarClient) -> Orders:
    def pay(
        reference: str, amount: str, number: str = "4111111111111111", *, manual: bool = False, customer_id: str = ""
    ) -> Payment:
        return shop.create_payment(
            reference=reference,
            amount=money(amount, "USD"),
            card=card(number=number, expiration_month=12, expiration_year=2032, cvv="123"),
            capture_mode=CaptureMode.MANUAL if manual else CaptureMode.AUTOMATIC,
            customer_id=customer_id,
            metadata={"basket": "17"},
        )

    customer = shop.create_customer(
        given_name="Budi", family_name="Santoso", email="budi@example.com", language_code="id", external_id="c-1"
    )
    shop.add_payment_method(
        customer_id=customer.customer_id,
        card=card(number="4111111111111111", expiration_month=12, expiration_year=2032, cvv="123"),
    )
    orders = Orders(
        paid=pay("paid-1", "25.00", customer_id=customer.customer_id),
        declined=pay("declined-1", DECLINED, customer_id=customer.customer_id),
        held=pay("held-1", "50.00", manual=True),
        disputed=pay("disputed-1", "30.00", DISPUTED),
        customer_id=customer.customer_id,
    )
    disputed_id = orders.disputed.payment_id
    until(lambda: shop.get_payment(payment_id=disputed_id).disputed_amount.minor_units, what="the dispute")
    return orders


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    """An issuer of OpenID Connect on this machine, which knows ani@shop.example and eve@shop.example."""
    import oidc_provider_mock

    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    people = [
        oidc_provider_mock.User(
            sub=name, claims={"email": f"{name}@shop.example", "email_verified": True, "name": name.title()}
        )
        for name in ("ani", "eve")
    ]
    with oidc_provider_mock.run_server_in_thread(user_claims=people) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture(scope="session")
def console(pair: Pair, keys: Keys, issuer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Configuration]:
    """The console of this process; Django is configured once."""
    directory = tmp_path_factory.mktemp("keys")
    (directory / "ani@shop.example").write_text(keys.operator)
    configuration = Configuration(
        address=HOST,
        service=pair.service.address,
        key_sign_in=True,
        oidc_issuer=issuer,
        oidc_client_id="console",
        oidc_client_secret_file=_secret(directory),
        keys_directory=directory,
        time_zone="Asia/Jakarta",
    )
    web.configure(configuration)
    yield configuration
    person.connections().close()


def _secret(directory: Path) -> Path:
    file = directory / ".client_secret"
    file.write_text("of no use to anybody else")
    return file


@pytest.fixture(scope="session")
def address(console: Configuration) -> Iterator[str]:
    """The console's address, where it listens for browsers."""
    assert console
    port = int(HOST.rpartition(":")[2])
    server = uvicorn.Server(uvicorn.Config(web.application(), port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, what="the console")
    yield f"http://{HOST}"
    server.should_exit = server.force_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    debian("chromium", files=(CHROMIUM,))
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def visitor(console: Configuration) -> Client:
    """Somebody who has not signed in."""
    assert console
    return Client(headers={"host": HOST}, enforce_csrf_checks=False)


def signed_in(key: str) -> Client:
    client = Client(headers={"host": HOST})
    answer = client.post("/sign-in", {"key": key})
    assert answer.status_code == 302, answer.content.decode()
    return client


@pytest.fixture
def operator(console: Configuration, keys: Keys) -> Client:
    assert console
    return signed_in(keys.operator)


@pytest.fixture
def reader(console: Configuration, keys: Keys) -> Client:
    assert console
    return signed_in(keys.reader)


@pytest.fixture
def shopkeeper(console: Configuration, keys: Keys) -> Client:
    assert console
    return signed_in(keys.shop)
