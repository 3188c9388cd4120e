"""The README of the client for Node runs from an empty folder: its commands, its programs, and its other snippets."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.languages import toolchain
from tests.languages.node_package import CLIENT, built_client, compile_strictly
from tests.languages.readme import Readme, readme, same
from tests.languages.webhook import SECRET, genuine_webhook
from tests.token_issuer import Authority

# A fresh machine installs and compiles first.
pytestmark = pytest.mark.timeout(2 * toolchain.LONG_SECONDS)

PAGE: Final = "clients/node/README.md"
# Names that the other snippets of the page take from elsewhere, with their types and as a program.
DECLARED: Final = """
declare const bayar: BayarClient, customerId: string, paymentId: string, afterPosition: number;
declare const request: import('node:http').IncomingMessage & { reference: string }, bytes: Buffer;
declare const pem: Buffer, certificate: Buffer, privateKey: Buffer;
declare function apply(event: import('bayar-client').Event): Promise<void>;
"""
DEFINED: Final = """
const told = JSON.parse(process.env.TOLD);
const bayar = new BayarClient(told.address);
// A connection in plain text to another machine takes no credential.
delete process.env.BAYAR_API_KEY;
const customerId = (await bayar.createCustomer({})).customerId;
const { paymentId } = await bayar.createPayment({
  reference: 'order-2', amount: money('2001.00', 'USD'), customerId, paymentMethodNonce: 'fake-valid-nonce' });
const afterPosition = 0, bytes = Buffer.from(told.body), request = { headers: told.headers };
const pem = told.pem, certificate = told.certificate, privateKey = told.privateKey;
const enough = new Error('enough');
async function apply(event) { console.log('event', event.type); throw enough; }
"""
DONE: Final = """
for (const example of [EXAMPLES]) await example().catch((error) => { if (error !== enough) throw error; });
process.exit(0);
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readme]:
    with readme(PAGE, tmp_path_factory.mktemp("node")) as page:
        node = page.checkout / "clients" / "node"
        # The package builds without the rest of the repository.
        shutil.copytree(CLIENT, node, ignore=shutil.ignore_patterns("node_modules", "dist"))
        yield page


@pytest.fixture(scope="module")
def shop(page: Readme) -> Path:
    """The folder of somebody who followed the page's commands."""
    folder = page.home / "shop"
    folder.mkdir()
    install, *_ = page.commands()
    page.shell(install, page.home, **_npm(page))
    return folder


def _npm(page: Readme) -> dict[str, str]:
    """The environment of commands of npm, whose own settings and cache are in the home of whoever runs the tests."""
    home = Path(os.environ.get("HOME", "/"))
    path = toolchain.npm_command(page.home / "bin")
    # What npm has fetched already is not asked for again.
    return {
        "PATH": path,
        "npm_config_userconfig": str(home / ".npmrc"),
        "npm_config_cache": str(home / ".npm"),
        "npm_config_prefer_offline": "true",
        "npm_config_audit": "false",
    }


def test_the_programs_print_what_the_page_shows(page: Readme, shop: Path) -> None:
    _, run, _ = page.commands()
    programs = list(page.programs())
    assert len(programs) == 2
    for program in programs:
        (shop / program.file).write_text(program.text)
        printed = page.shell(run.replace(programs[0].file, program.file), shop)
        assert same(printed, program.output), printed


def test_the_program_is_typescript_by_the_commands_of_the_page(page: Readme, shop: Path) -> None:
    _, run, compile_it = page.commands()
    program, _ = page.programs()
    (shop / program.file).unlink(missing_ok=True)
    (shop / "take_payment.mts").write_text(program.text)
    page.shell(compile_it, shop, **_npm(page))
    assert (shop / program.file).is_file()
    printed = page.shell(run, shop)
    assert same(printed, program.output), printed


def test_a_mistake_of_types_stops_the_compiler_of_the_page(page: Readme, shop: Path) -> None:
    _, _, compile_it = page.commands()
    program, _ = page.programs()
    (shop / "take_payment.mts").write_text(program.text.replace("money('25.00', 'USD')", "25"))
    _, command = compile_it.split("\n", 1)
    path = toolchain.npm_command(page.home / "bin")
    assert "error TS2322" in toolchain.attempt(["sh", "-c", command], cwd=shop, PATH=path).stdout


def test_the_other_snippets_are_typescript(page: Readme, shop: Path) -> None:
    (shop / "readme.ts").write_text("\n".join([_IMPORT, DECLARED, *_functions(page)]))
    compile_strictly(shop, built_client(), "readme.ts")


def test_the_other_snippets_run(page: Readme, shop: Path, tmp_path: Path) -> None:
    functions = _functions(page)
    names = ", ".join(f"example{number}" for number in range(len(functions)))
    body = [line.removeprefix("export ") for line in functions]
    (shop / "readme.mjs").write_text("\n".join([_IMPORT, DEFINED, *body, DONE.replace("EXAMPLES", names)]))
    told = _told(page, tmp_path)
    printed = toolchain.run([toolchain.NODE, "readme.mjs"], cwd=shop, seconds=60, **told).stdout.splitlines()
    assert printed[0] == "PAYMENT_STATE_DECLINED"
    assert re.fullmatch(r"event EVENT_TYPE_\w+", printed[1])
    assert printed[2:] == ["event EVENT_TYPE_PAYMENT_CHANGED"]


_IMPORT: Final = "import { BayarClient, formatMoney, money, readWebhook, WebhookError } from 'bayar-client';"


def _functions(page: Readme) -> list[str]:
    """A function for each snippet that is no whole program."""
    bodies = [re.sub(r"^import .*$", "", snippet, flags=re.MULTILINE) for snippet in page.others("js")]
    return [f"export async function example{number}() {{\n{body}}}" for number, body in enumerate(bodies)]


def _told(page: Readme, folder: Path) -> dict[str, str]:
    """The environment of the program: service, certificates, and a webhook that is genuine."""
    authority = Authority(folder)
    root = authority.write_own()
    certificate, key = authority.issue("shop")
    certificates = {"pem": root.read_text(), "certificate": certificate.read_text(), "privateKey": key.read_text()}
    told = {"address": page.address, **genuine_webhook(), **certificates}
    return {"TOLD": json.dumps(told), "BAYAR_API_KEY": page.api_key, "SHOP_WEBHOOK_SECRET": SECRET}
