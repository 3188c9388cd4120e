"""The client for Node and TypeScript: its own tests, the conformance suite, and its package."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.conformance.cases import load_cases
from tests.languages import toolchain
from tests.languages.node_package import (
    CLIENT,
    GENERATED,
    built_client,
    compile_strictly,
    generate,
    install_client,
    packed_client,
)

# A fresh machine installs and compiles first.
pytestmark = pytest.mark.timeout(2 * toolchain.LONG_SECONDS)

TYPED: Final = """
import { BayarClient, BayarError, PaymentState, money, type Payment } from 'bayar-client';

const bayar = new BayarClient('127.0.0.1:50051', { timeoutSeconds: 10 });

export async function pay(nonce: string): Promise<Payment> {
  try {
    const request = { reference: 'order-1', amount: money('25.00', 'USD'), paymentMethodNonce: nonce };
    const payment = await bayar.createPayment(request, { signal: AbortSignal.timeout(1000) });
    if (payment.state === PaymentState.DECLINED) console.log(payment.decline?.customerMessage?.text);
    return payment;
  } catch (error) {
    if (error instanceof BayarError && error.reason === 'TOO_MANY_DECLINES') console.log(error.retryAfterSeconds);
    throw error;
  }
}

export async function total(): Promise<number> {
  let minorUnits = 0;
  for await (const payment of bayar.listPayments()) minorUnits += payment.capturedAmount?.minorUnits ?? 0;
  return minorUnits;
}

// @ts-expect-error an amount is required
void bayar.createPayment({ reference: 'order-1' });
// @ts-expect-error the field is captureMode
void bayar.createPayment({ reference: 'order-1', amount: money('1', 'USD'), capture_mode: 'CAPTURE_MODE_MANUAL' });
"""


@pytest.fixture(scope="module")
def built() -> Path:
    """The client under build/, compiled."""
    return built_client()


@pytest.fixture(scope="module")
def shop() -> Path:
    """A folder with nothing but the package."""
    folder = toolchain.BUILD / "shop"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    install_client(folder)
    return folder


def test_the_clients_own_tests_and_every_conformance_case_pass(built: Path) -> None:
    files = sorted((built / "test").glob("*.test.mjs"))
    command: list[str | Path] = [toolchain.NODE, "--test", "--test-reporter=tap", *map(str, files)]
    finished = toolchain.attempt(
        command, cwd=built, seconds=toolchain.LONG_SECONDS, BAYAR_PYTHON=sys.executable, BAYAR_ROOT=str(toolchain.ROOT)
    )
    failed = re.findall(r"^ *not ok .+\n(?: +.*\n){0,30}", finished.stdout, re.MULTILINE)
    assert finished.returncode == 0, "".join(failed)[:8000] + finished.stderr[-2000:]
    passed = set(re.findall(r"^ *ok \d+ - (.+)$", finished.stdout, re.MULTILINE))
    assert {case.id.replace("#", "\\#") for case in load_cases()} <= passed


def test_the_committed_sources_are_those_of_the_contract(tmp_path: Path) -> None:
    generate(tmp_path)
    committed = {file.name: file.read_text("utf-8") for file in (CLIENT / GENERATED).iterdir()}
    generated = {file.name: file.read_text("utf-8") for file in tmp_path.iterdir()}
    assert generated == committed, "Run `make proto` and commit what changes."


def test_the_package_holds_what_it_needs_and_nothing_else() -> None:
    names = toolchain.run(["tar", "--list", "--file", packed_client()]).stdout.split()
    assert {"package/dist/index.js", "package/dist/index.d.ts", "package/README.md"} <= set(names)
    assert [name for name in names if not re.match(r"package/(dist/|package\.json|README\.md)", name)] == []


def test_the_package_is_read_by_require_and_by_import(shop: Path) -> None:
    name = "console.log(typeof b.BayarClient, typeof b.BayarError, typeof b.money, b.PaymentState.CAPTURED)"
    for program in (f"const b = require('bayar-client'); {name}", f"import('bayar-client').then((b) => {name})"):
        seen = toolchain.run([toolchain.NODE, "-e", program], cwd=shop).stdout.split()
        assert seen == ["function", "function", "function", "PAYMENT_STATE_CAPTURED"]


def test_typescript_accepts_what_is_right_and_refuses_what_is_wrong(shop: Path, built: Path) -> None:
    (shop / "shop.ts").write_text(TYPED)
    compile_strictly(shop, built, "shop.ts")
