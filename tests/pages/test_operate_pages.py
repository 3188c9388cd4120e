"""The commands of the pages for operators run as they stand, and print what the pages show."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from bayar.messages import BayarClient, card, money
from bayar.payments.v1.dispute_pb2 import DisputeState
from bootstrap.development.service_process import running_service
from bootstrap.development.twin_process import Twin, running_twin
from tests.api_keys import TEST_KEY, in_environment, let_in
from tests.bootstrap.command_line import CommandLine
from tests.databases import Postgres
from tests.end_to_end.dispute_steps import DISPUTED, PDF, Disputes
from tests.end_to_end.service import Pair, running_pair, until
from tests.languages import toolchain
from tests.pages.snippets import ROOT, snippets_of

# `bayar`, whose `serve` ends in order once it is ready.
BAYAR: Final = f"""#!{sys.executable}
import signal, subprocess, sys
command = [sys.executable, "-m", "bootstrap.cli.main", *sys.argv[1:]]
if sys.argv[1:2] != ["serve"]:
    sys.exit(subprocess.call(command))
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
    for line in service.stdout:
        print(line, end="", flush=True)
        if line.startswith("Bayar listens on "):
            service.send_signal(signal.SIGINT)
sys.exit(service.returncode)
"""
# The payment of the pages.
SHOWN: Final = "pay_01m852474tej6qn4m8j8cr2rpt"
VISA: Final = card(number="4111111111111111", expiration_month=12, expiration_year=2029, cvv="123")


def shell(commands: str, folder: Path, environment: dict[str, str]) -> str:
    """Runs commands of a page in a shell that ends at the first failure. Returns their output, and the errors'."""
    program = folder / "bin" / "bayar"
    program.parent.mkdir(exist_ok=True)
    program.write_text(BAYAR)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    tools = f"{program.parent}{os.pathsep}{Path(sys.executable).parent}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env={**environment, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def blocks(page: str, language: str) -> list[str]:
    return [snippet.text for snippet in snippets_of(page) if snippet.language == language]


def outside(folder: Path) -> dict[str, str]:
    """An environment that has no setting of Bayar but free ports."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BAYAR_")}
    return {**inherited, "BAYAR_GRPC_ADDRESS": "127.0.0.1:0", "BAYAR_HTTP_ADDRESS": "127.0.0.1:0", "HOME": str(folder)}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with in_environment(), running_pair(tmp_path_factory.mktemp("pair"), {"BAYAR_DISPUTE_POLL_SECONDS": "1"}) as pair:
        yield pair


@pytest.mark.parametrize("page", ["docs/operate/README.md", "docs/operate/configuration.md"])
def test_the_settings_of_a_page_start_a_service(page: str, postgres: Postgres, tmp_path: Path) -> None:
    (commands,) = blocks(page, "sh")
    database = postgres.new_database()
    commands = commands.replace("postgresql://bayar@db.example/bayar", f"'{database}'")
    # Without them the service asks Braintree.
    environment = {**outside(tmp_path), "BAYAR_BRAINTREE_MERCHANT_ACCOUNTS": "USD=shop_usd"}
    printed = shell(commands, tmp_path, environment)
    assert "Bayar listens on 127.0.0.1:" in printed
    assert ("bayar_key_" in printed) == ("bayar keys create" in commands)


def test_the_workers_of_the_page_of_scale_start(postgres: Postgres, tmp_path: Path, pair: Pair) -> None:
    (commands,) = blocks("docs/operate/scale.md", "sh")
    addresses = {"BAYAR_GRPC_ADDRESS": "127.0.0.1:0", "BAYAR_HTTP_ADDRESS": "127.0.0.1:0"}
    own = {"BAYAR_DATABASE_URL": postgres.new_database(), **addresses}
    printed = shell(f"bayar migrate\n{commands}", tmp_path, {**pair.service.environment, **own})
    assert "Bayar listens on 127.0.0.1:" in printed


def test_the_line_of_a_call_has_the_fields_that_the_page_shows(pair: Pair) -> None:
    (shown,) = blocks("docs/operate/logs.md", "text")
    pay(pair.service.client(), "logged", "25.00", "USD")
    seen = until(lambda: re.search(r"^.* call method=\S+/CreatePayment .*$", pair.service.log, re.MULTILINE))
    # This caller sends no traceparent.
    assert [*fields(seen[0]), "trace_id="] == fields(shown)


def fields(line: str) -> list[str]:
    """The line without what differs from call to call: its logger, the names of its fields, and their plain values."""
    _, _, message = line.partition(" bayar.calls ")
    values = dict(re.findall(r"(\w+)=(\S+)", message))
    plain = ("method", "code", "outcome")
    return [f"{name}={value if name in plain else ''}" for name, value in values.items()]


def test_the_keys_and_the_audit_log_of_the_page_of_access(pair: Pair, tmp_path: Path) -> None:
    keys, audit = blocks("docs/operate/access.md", "sh")
    create, *others = keys.splitlines()
    made = shell(create, tmp_path, pair.service.environment)
    (key_id,) = set(re.findall(r"key_01\w{24}", made))
    (secret,) = set(re.findall(r"bayar_key_\S+", made))
    printed = shell("\n".join(others).replace("key_01j...", key_id), tmp_path, pair.service.environment)
    assert key_id in printed
    assert secret not in printed
    assert key_id in shell(audit, tmp_path, pair.service.environment)


def test_an_operator_is_added_and_acts_as_the_page_says(pair: Pair, tmp_path: Path) -> None:
    (commands,) = blocks("docs/operate/operators.md", "sh")
    add, *changes, revoke = commands.splitlines()
    added = shell(add, tmp_path, pair.service.environment)
    (operator_id,) = set(re.findall(r"opr_01\w{24}", added))
    (key,) = re.findall(r"^bayar_key_\S+$", added, re.MULTILINE)
    printed = shell("\n".join(changes).replace("opr_01j...", operator_id), tmp_path, pair.service.environment)
    assert "Siti Rahayu" in printed
    assert "refund void capture disputes" in printed

    bayar = pair.service.client()
    (program,) = blocks("docs/operate/operators.md", "python")
    (tmp_path / "siti").write_text(key)
    paid, by_hand = (pay_and_settle(bayar, pair, reference) for reference in ("broken", "lost"))
    here = {"bayar.internal:50051": pair.service.address, "/run/secrets/siti": str(tmp_path / "siti"), SHOWN: paid}
    for on_the_page, used in here.items():
        program = program.replace(on_the_page, used)
    exec(program, {"BayarClient": BayarClient, "Path": Path})  # noqa: S102 (a page of ours)
    assert acts_of(bayar, paid) == [("Siti Rahayu", "default", "The parcel was lost, ticket 4711")]

    (block,) = blocks("docs/operate/operators.md", "console")
    command, *questions, outcome = block.replace(SHOWN, by_hand).splitlines()
    cli = CommandLine(pair.service.address, key)
    typed = "\nThe cup was broken, ticket 4711\ny\n"
    seen = cli.at_terminal(*shlex.split(command.removeprefix("$ bayar ")), typed=typed, columns=200).text
    for question in ("On behalf of which caller? [default]", "Why?", questions[-1].partition(" (order")[0], outcome):
        assert question in seen
    assert acts_of(bayar, by_hand) == [("Siti Rahayu", "default", "The cup was broken, ticket 4711")]

    log = shell("bayar audit list --json", tmp_path, pair.service.environment)
    entries = [entry for entry in map(json.loads, log.splitlines()) if entry["details"].get("payment_id") == by_hand]
    assert [entry["outcome"] for entry in entries] == ["OK", ""]
    assert entries[0]["details"]["reason"] == "The cup was broken, ticket 4711"
    assert "revoked" in shell(revoke.replace("opr_01j...", operator_id), tmp_path, pair.service.environment)


def pay_and_settle(bayar: BayarClient, pair: Pair, reference: str) -> str:
    payment_id = pay(bayar, reference, "25.00", "USD")
    pair.twin.control.settle()
    bayar.verify_payment(payment_id=payment_id)
    return payment_id


def acts_of(bayar: BayarClient, payment_id: str) -> list[tuple[str, str, str]]:
    events = bayar.list_payment_events(payment_id=payment_id)
    acts = (event.on_behalf for event in events if event.HasField("on_behalf"))
    return [(act.operator_name, act.caller_id, act.reason) for act in acts]


def test_the_commands_of_a_restore(pair: Pair, tmp_path: Path) -> None:
    hold, reconcile, reverse, release = blocks("docs/operate/restore.md", "sh")
    (tmp_path / "key.header").write_text(f"authorization: Bearer {TEST_KEY}\n")
    environment = {**pair.service.environment, "BAYAR_GRPC_ADDRESS": "127.0.0.1:0"}
    assert "Bayar listens on" in shell(hold, tmp_path, environment)
    here = reconcile.replace("https://bayar.internal:50051", f"--http2-prior-knowledge http://{pair.service.address}")
    assert '"done"' in shell(here, tmp_path, environment)
    window = [f'"{time}"' for time in re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z", reconcile)]
    arguments = re.sub(r'"\.\.\."', lambda _: window.pop(0), reverse)
    assert '"done"' in shell(here.replace(here[here.index("  -d ") :], arguments), tmp_path, environment)
    shell(release, tmp_path, environment)
    assert "Nothing is held." in shell("bayar background status", tmp_path, environment)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CommandLine, BayarClient, Twin]]:
    """A service with the payments that the page of the command line shows."""
    folder = tmp_path_factory.mktemp("shop")
    with (
        in_environment(),
        running_twin(folder) as twin,
        running_service(folder, twin) as address,
        BayarClient(address) as bayar,
    ):
        let_in(f"sqlite:///{folder / 'bayar.db'}")
        yield CommandLine(address), bayar, twin


def masked(text: str) -> str:
    """Without what differs from run to run: ids, times, and the gateway's references. Widths stay."""
    text = re.sub(r"\b(pay|cus|pm|op|key)_\w{26}", r"\1_" + "0" * 26, text)
    text = re.sub(r"\bmov_\w{26}(?=_)", "mov_" + "0" * 26, text)
    text = re.sub(r"\d{4}-\d\d-\d\d([ T])\d\d:\d\d(:\d\d(\.\d+Z)?)?", lambda found: "9" * len(found[0]), text)
    # Of a movement: its date, and the gateway's time of it, which has no fractions of a second.
    text = re.sub(r"(?<=_\d),\d{4}-\d\d-\d\d,[0-9T:-]+Z", ",date,time", text)
    text = re.sub(r"\b[0-9a-z]{8} (?=processor_)", "reference ", text)
    text = re.sub(r"(?<=,)[0-9a-z]{8}(?=,(default|,))", "reference", text)
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip()


def pay(bayar: BayarClient, reference: str, amount: str, currency_code: str) -> str:
    return bayar.create_payment(reference=reference, amount=money(amount, currency_code), card=VISA).payment_id


def test_the_page_of_the_command_line_shows_what_is_printed(
    shop: tuple[CommandLine, BayarClient, Twin], tmp_path: Path
) -> None:
    cli, bayar, twin = shop
    page = {text.splitlines()[0].removeprefix("$ "): text for text in blocks("docs/operate/command-line.md", "console")}
    ids: dict[str, str] = {}

    def here(block: str) -> str:
        """With the ids of this shop in place of those that the page shows."""
        return re.sub(r"\b\w+_01\w{24}", lambda found: ids.get(found[0], found[0]), block)

    def run(line: str) -> str:
        return shell(here(line.removeprefix("$ ")), tmp_path, cli.environment())

    def at_terminal(command: str, typed: str = "") -> str:
        return cli.at_terminal(*shlex.split(command.removeprefix("$ bayar ")), columns=120, typed=typed).text

    def shows(beginning: str) -> None:
        """The block is what a terminal shows."""
        command, *wanted = here(the(beginning)).splitlines()
        seen = at_terminal(command)
        assert masked(seen) == masked("\n".join(wanted)), seen

    def the(beginning: str) -> str:
        found = next(first for first in page if first.startswith(beginning))
        return page.pop(found)

    create, show = the("bayar customers create").split("\n", 1)
    run(create)
    (sari,) = bayar.list_customers()
    bayar.update_customer(customer_id=sari.customer_id, phone="+62 811 000 111")
    method = bayar.add_payment_method(customer_id=sari.customer_id, card=VISA)
    page[show.removeprefix("$ ").splitlines()[0]] = show

    ids["cus_01m85246z294ajvhr6jdvrced2"] = sari.customer_id
    ids["pay_01m852474tej6qn4m8j8cr2rpt"] = bayar.create_payment(
        reference="order-1001",
        amount=money("25.00", "USD"),
        customer_id=sari.customer_id,
        payment_method_id=method.payment_method_id,
    ).payment_id
    pay(bayar, "order-1002", "1250000.00", "IDR")
    ids["pay_01m85247b1wd8mhsaqbx5n60np"] = declined = pay(bayar, "order-1003", "2001.00", "USD")
    bayar.void_payment(payment_id=pay(bayar, "order-1003", "21.00", "USD"))
    pay(bayar, "order-1004 long long reference", "1500", "JPY")

    shows("bayar customers show")
    shows("bayar payments list")
    shows("bayar payments show")
    verified = run(f"bayar payments verify {declined}")
    assert masked(verified.splitlines()[0]) == masked(the("The gateway and the record agree."))
    assert "order-1003" in run(the("bayar payments list --state"))
    assert "order-1003" in run(the("bayar payments search"))
    export, count, head, *rows = the("bayar payments export").splitlines()
    month = f"--from {datetime.now(UTC):%Y-%m-01} --until 2100-01-01"
    assert run(re.sub(r"--from \S+ --until \S+", month, export)).strip() == count
    assert masked(run(head)) == masked("\n".join(rows))
    toolchain.debian("jq", programs=("jq",))
    assert run(the("bayar payments list --all --json")) == ""
    twin.settle()
    bayar.verify_payment(payment_id=ids["pay_01m852474tej6qn4m8j8cr2rpt"])
    refund, question, outcome = here(the("bayar payments refund")).splitlines()
    seen = at_terminal(refund, typed="y\n")
    assert question.removesuffix(" y") in seen
    assert outcome in seen
    the("bayar disputes list")  # the test below
    assert page == {}


def test_a_dispute_is_answered_as_the_page_of_the_command_line_says(pair: Pair, tmp_path: Path) -> None:
    bayar = pair.service.client()
    payment = bayar.create_payment(
        reference="disputed",
        amount=money("25.00", "USD"),
        card=card(number=DISPUTED, expiration_month=12, expiration_year=2029),
    )
    pair.twin.control.settle()
    dispute = Disputes.of(bayar).await_one(payment)
    (tmp_path / "delivery note.pdf").write_bytes(PDF)
    (block,) = (text for text in blocks("docs/operate/command-line.md", "console") if text.startswith("bayar disputes"))
    *commands, submit = block.replace("dis_01m8...", dispute.dispute_id).splitlines()
    cli = CommandLine(pair.service.address)
    shell("\n".join(commands), tmp_path, cli.environment())
    cli.at_terminal(*submit.split()[1:], typed="y\n")
    assert DisputeState.Name(Disputes.of(bayar).get(dispute).state) == "DISPUTE_STATE_UNDER_REVIEW"
