"""The Python in the documents runs as it stands, and prints the outputs that they show."""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import HTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.event_webhooks.signing import signature
from bayar import BayarClient, money
from bayar.testing import BayarServer, running_bayar
from tests.token_issuer import Authority

ROOT: Final = Path(__file__).resolve().parents[2]
# A block in a list is indented.
_BLOCK: Final = re.compile(r"^( *)```python\n(.*?)^ *```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
PAGES: Final = (
    "README.md",
    "clients/python/README.md",
    "docs/integrate/README.md",
    "docs/integrate/checkout.md",
    "docs/integrate/order-details.md",
    "docs/integrate/stored-credentials.md",
    "docs/integrate/three-d-secure.md",
)
_ADDRESS: Final = "127.0.0.1:50051"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of Python, and the output that the page shows."""

    page: str
    line: int
    program: str
    output: str


def blocks_of(page: str) -> list[Block]:
    text = (ROOT / page).read_text("utf-8")
    return [
        Block(page, text.count("\n", 0, found.start()) + 2, textwrap.dedent(found[2]), found[3] or "")
        for found in _BLOCK.finditer(text)
    ]


@pytest.fixture
def server() -> Iterator[BayarServer]:
    with running_bayar() as server:
        yield server


def run(block: Block, names: dict[str, Any], server: BayarServer) -> str:
    """Runs the block with the names of the blocks before it. Returns its output."""
    text = block.program.replace(_ADDRESS, server.address).replace("/run/secrets/", "")
    program = compile("\n" * (block.line - 1) + text, block.page, "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, names)  # noqa: S102 (a page of ours)
        for name in [name for name in names if name.startswith("test_")]:
            with server.client() as client:
                names.pop(name)(bayar_client=client, bayar_server=server)
    return printed.getvalue()


def as_pattern(output: str) -> str:
    """`...` in an output stands for anything on its line."""
    return re.escape(output).replace(r"\.\.\.", ".*")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_as_it_stands(
    page: str, server: BayarServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BAYAR_API_KEY", server.api_key)
    Authority(tmp_path).write_own().rename(tmp_path / "ca.pem")
    (tmp_path / "bayar_token").write_text("a-token")
    (tmp_path / ".bayar").mkdir()
    (tmp_path / ".bayar" / "api_key").write_text(server.api_key)
    bayar = server.client()
    names: dict[str, Any] = {"bayar": bayar, "money": money, "nonce": "fake-valid-nonce"}
    blocks = blocks_of(page)
    if page.endswith("stored-credentials.md"):
        # Only there: a customer is an event, and other pages show the first event of the feed.
        names["customer_id"] = bayar.create_customer(given_name="Siti").customer_id
    assert blocks
    for block in blocks:
        printed = run(block, names, server)
        assert re.fullmatch(as_pattern(block.output), printed), f"{page}:{block.line} printed:\n{printed}"


def test_no_page_shows_python_that_no_test_runs() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "clients").rglob("README.md")]
    shown = {str(page.relative_to(ROOT)) for page in pages if "```python" in page.read_text("utf-8")}
    elsewhere = {
        "docs/integrate/events.md",  # below
        "docs/integrate/languages.md",  # tests/languages
        "docs/operate/access.md",  # below
        "docs/operate/operators.md",  # tests/pages
    }
    assert shown == set(PAGES) | elsewhere


def test_the_credential_of_the_page_of_access_is_read_from_its_file(tmp_path: Path) -> None:
    (block,) = blocks_of("docs/operate/access.md")
    file = tmp_path / "key"
    program = block.program.replace("/run/secrets/bayar", str(file))
    with pytest.raises(FileNotFoundError):
        exec(program, {"BayarClient": BayarClient, "Path": Path})  # noqa: S102 (a page of ours)
    file.write_text("bayar_key_x")
    exec(program, {"BayarClient": BayarClient, "Path": Path})  # noqa: S102 (a page of ours)


def test_the_receiver_of_the_page_of_events_believes_the_genuine_webhook_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_WEBHOOK_SECRET", "a-secret-that-signs-the-events")
    (block,) = blocks_of("docs/integrate/events.md")
    applied: list[str] = []
    names: dict[str, Any] = {"apply_once": lambda event_id, _: applied.append(event_id)}
    exec(block.program, names)  # noqa: S102 (a page of ours)
    names["Receiver"].log_message = lambda *_: None
    with HTTPServer(("127.0.0.1", 0), names["Receiver"]) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        assert _post(receiver.server_port, b'{"id": "evt_1", "type": "t", "data": {}}') == 204
        assert _post(receiver.server_port, b'{"id": "evt_1", "type": "t", "data": {}}', signed=b"{}") == 400
        assert _post(receiver.server_port, b'{"id": "evt_1", "type": "t", "data": {}}', seconds_ago=301) == 400
        receiver.shutdown()
    assert applied == ["evt_1"]


def _post(port: int, body: bytes, *, signed: bytes | None = None, seconds_ago: int = 0) -> int:
    at = int(time.time()) - seconds_ago
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(at),
        "webhook-signature": signature([b"a-secret-that-signs-the-events"], "evt_1", at, signed or body),
    }
    connection.request("POST", "/", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_an_output_that_is_not_shown_is_found() -> None:
    assert re.fullmatch(as_pattern("a ... (b)\n"), "a 17 (b)\n")
    assert not re.fullmatch(as_pattern("a ... (b)\n"), "a 17 (c)\n")
    assert not re.fullmatch(as_pattern(""), "something\n")
    assert not re.fullmatch(as_pattern("a ...\n"), "a 1\na 2\n")


def test_the_page_names_every_method() -> None:
    text = (ROOT / "clients/python/README.md").read_text("utf-8")
    rows = text.partition("## All calls")[2].partition("## Connections")[0]
    methods = {name for name in vars(BayarClient) if not name.startswith("_")}
    assert set(re.findall(r"`(\w+)`", rows)) == methods
