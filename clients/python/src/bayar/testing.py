"""A real Bayar with an offline gateway, for the tests of its callers."""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bayar.async_client import AsyncBayarClient
from bayar.client import BayarClient
from bayar.models import Checkout
from bayar.shopper import ShopperView, pay_on_page

COMMAND_VARIABLE: Final = "BAYAR_TEST_COMMAND"
START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 20.0
_READY: Final = "Bayar listens on "
_CURRENCIES: Final = ("USD", "EUR", "GBP", "IDR", "JPY", "KWD", "SGD", "AUD")
# Short intervals instead of minutes, and no limits on declines.
_SETTINGS: Final = {
    "BAYAR_GRPC_ADDRESS": "127.0.0.1:0",
    "BAYAR_HTTP_ADDRESS": "127.0.0.1:0",
    "BAYAR_LOG_LEVEL": "warning",
    "BAYAR_BRAINTREE_MERCHANT_ACCOUNTS": ",".join(f"{each}=twin_{each.lower()}" for each in _CURRENCIES),
    "BAYAR_FIRST_CHECK_SECONDS": "0.2",
    "BAYAR_RESOLVER_INTERVAL_SECONDS": "0.1",
    "BAYAR_DECLINES_PER_CARD": "0",
    "BAYAR_DECLINES_PER_CUSTOMER": "0",
    "BAYAR_CARDS_PER_CUSTOMER": "0",
}


class BayarDidNotStart(Exception):
    """The service is not installed, or did not start. The text names the remedy."""


class BayarServer:
    """A running Bayar with an offline gateway, the twin. Every test that uses it shares its payments.

    address: host:port of the gRPC service, plain text on this machine.
    api_key: a credential with every scope.
    """

    def __init__(self, address: str, api_key: str, twin_url: str, authority: Path) -> None:
        self.address = address
        self.api_key = api_key
        # Kept open: the twin lets nobody in anew while it is unreachable.
        twin = urlsplit(twin_url)
        context = ssl.create_default_context(cafile=str(authority))
        self._twin = http.client.HTTPSConnection(twin.netloc, timeout=_STOP_SECONDS, context=context)
        self._twin.connect()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"BayarServer({self.address!r})"

    def client(self, **arguments: Any) -> BayarClient:
        """A client of this service; the arguments are those of BayarClient."""
        return BayarClient(self.address, **{"credential": self.api_key, **arguments})

    def async_client(self, **arguments: Any) -> AsyncBayarClient:
        """The same for asyncio."""
        return AsyncBayarClient(self.address, **{"credential": self.api_key, **arguments})

    def settle(self) -> None:
        """Settles every captured payment, as the gateway does each night. verify_payment then shows SETTLED."""
        self._tell_twin("POST", "settle", {})

    def lose_next_answer(self) -> None:
        """Loses the answer to the next charge, which the gateway carries out.

        A payment is PENDING then, and CAPTURED a moment later, when the service has found it.
        """
        self._tell_twin(
            "POST", "faults", {"fault": "reset_after", "method": "POST", "path": "/transactions", "next": 1}
        )

    def break_gateway(self) -> None:
        """Makes the gateway unreachable until `mend_gateway`: calls that need it raise GATEWAY_UNREACHABLE."""
        self._tell_twin("POST", "faults", {"fault": "refuse"})

    def mend_gateway(self) -> None:
        """Ends every fault."""
        self._tell_twin("DELETE", "faults", None)

    def pay_checkout(self, checkout: Checkout, nonce: str = "fake-valid-nonce") -> ShopperView:
        """Pays on the hosted page as a shopper with a new browser. Returns the page that the shopper then sees.

        nonce: one of the gateway's, such as "fake-processor-declined-visa-nonce" for a decline. Raises RuntimeError
        where there is no such page.
        """
        return pay_on_page(checkout.url, nonce)

    def close(self) -> None:
        """Ends the connection to the twin."""
        self._twin.close()

    def _tell_twin(self, method: str, name: str, content: Mapping[str, Any] | None) -> None:
        body = None if content is None else json.dumps(content)
        with self._lock:
            self._twin.request(method, f"/_twin/{name}", body, {"Content-Type": "application/json"})
            answer = self._twin.getresponse()
            text = answer.read().decode(errors="replace")
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"The twin of the gateway answered {answer.status}: {text}")


@contextmanager
def running_bayar(settings: Mapping[str, str] | None = None) -> Iterator[BayarServer]:
    """A Bayar with an empty database in a temporary folder. It ends with the `with`, and leaves nothing behind.

    settings: more of the service's environment variables. The command is that of BAYAR_TEST_COMMAND, such as
    "/srv/bayar/.venv/bin/bayar", else the `bayar` beside this Python or in PATH. Raises BayarDidNotStart.
    """
    command = _command()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BAYAR_")}
    with tempfile.TemporaryDirectory(prefix="bayar-testing-") as name:
        folder = Path(name)
        # The folder is its owner's alone, and so is the log.
        log = os.open(folder / "bayar.log", os.O_WRONLY | os.O_CREAT, 0o600)
        process = subprocess.Popen(  # noqa: S603 (the command is the caller's own)
            [command, "serve", "--with-twin", "--state-dir", str(folder)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**inherited, "PYTHONUNBUFFERED": "1", **_SETTINGS, **_checkout_page(), **(settings or {})},
            start_new_session=True,
        )
        os.close(log)
        try:
            address = _wait_for_address(process, folder)
            key, twin_url = ((folder / name).read_text().strip() for name in ("api_key", "twin_url"))
            with closing(BayarServer(address, key, twin_url, folder / "tls" / "ca.pem")) as server:
                yield server
        finally:
            _stop(process)


def _checkout_page() -> dict[str, str]:
    """Serves hosted checkout on a free port of this machine."""
    address = f"127.0.0.1:{_free_port()}"
    return {"BAYAR_CHECKOUT_ADDRESS": address, "BAYAR_CHECKOUT_BASE_URL": f"http://{address}"}


def _free_port() -> int:
    """One that systems give to no connection: else one could take it before the service does."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 (it need not be secret)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _command() -> str:
    named = os.environ.get(COMMAND_VARIABLE, "")
    beside = Path(sys.executable).with_name("bayar")
    command = shutil.which(named or (str(beside) if beside.is_file() else "bayar"))
    if command is None:
        raise BayarDidNotStart(
            "These tests need Bayar's service and its twin. Build them with `make dev` in Bayar's repository, and name "
            f"the command: {COMMAND_VARIABLE}=/path/to/bayar/.venv/bin/bayar"
        )
    return command


def _wait_for_address(process: subprocess.Popen[str], folder: Path) -> str:
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    try:
        for line in process.stdout or ():
            if line.startswith(_READY):
                threading.Thread(target=_drain, args=(process,), daemon=True).start()
                return line.removeprefix(_READY).split()[0]
    finally:
        watchdog.cancel()
    log = (folder / "bayar.log").read_text(errors="replace")
    raise BayarDidNotStart(f"`bayar serve --with-twin` did not start: {log[-2000:]}")


def _drain(process: subprocess.Popen[str]) -> None:
    """Reads the rest of the output, so that the service never waits for a reader."""
    for _ in process.stdout or ():
        pass


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
