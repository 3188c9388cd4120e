"""Runs the shop on this machine, with a service, its checkout page and an offline gateway of its own.

`make shop` does this. Everything is kept in --state-dir, so that orders are still there the next time.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import waitress

from bayar import BayarClient
from shop.orders import Records
from shop.payments import Payments
from shop.web import Shop, create_app

_ROOT = Path(__file__).resolve().parents[3]
_WEB_PACKAGE = _ROOT / "build" / "web" / "node_modules" / "braintree-web"
_LISTENS = "Bayar listens on "
_STOP_SECONDS = 30


def main() -> int:
    parser = argparse.ArgumentParser(prog="shop", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="of the shop; the checkout page has the next one (8000)")
    parser.add_argument("--state-dir", type=Path, default=_ROOT / ".bayar" / "shop", help="what is kept (.bayar/shop)")
    parser.add_argument("--braintree-web", type=Path, default=_WEB_PACKAGE, help="npm's package (build/web/...)")
    options = parser.parse_args()
    taken = [port for port in (options.port, options.port + 1) if not _is_free(port)]
    if taken:
        sys.stderr.write(f"Port {taken[0]} is in use. Choose others: make shop ARGS='--port 9000'\n")
        return 1
    # Both end the shop, also where a script started it in the background, which ignores SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        return _run(options.port, options.state_dir, options.braintree_web)
    except KeyboardInterrupt:
        return 0


def _run(port: int, state_dir: Path, braintree_web: Path) -> int:
    base_url, checkout_url = f"http://localhost:{port}", f"http://localhost:{port + 1}"
    state_dir.mkdir(parents=True, exist_ok=True)
    state_dir.chmod(0o700)
    with _service(state_dir, braintree_web, base_url, checkout_url) as address:
        key = state_dir / "api_key"
        with BayarClient(address, credential=key) as bayar:
            records = Records(state_dir / "shop.db")
            payments = Payments(bayar, records, base_url)
            payments.follow()
            shop = Shop(records, payments, _kept_secret(state_dir / "owner_password", 6), checkout_url)
            app = create_app(shop, _kept_secret(state_dir / "secret_key", 32))
            sys.stdout.write(_greeting(base_url, shop.owner_password))
            sys.stdout.flush()
            try:
                waitress.serve(app, host="127.0.0.1", port=port, threads=8, _quiet=True)
            finally:
                payments.close()
    return 0


@contextlib.contextmanager
def _service(state_dir: Path, braintree_web: Path, base_url: str, checkout_url: str) -> Iterator[str]:
    """The address of a service that runs until the `with` ends. Raises SystemExit if it does not start."""
    command = [sys.executable, "-m", "bootstrap.cli.main", "serve", "--with-twin", "--state-dir", str(state_dir)]
    settings = {
        "BAYAR_GRPC_ADDRESS": "127.0.0.1:0",
        "BAYAR_HTTP_ADDRESS": "127.0.0.1:0",
        "BAYAR_CHECKOUT_ADDRESS": f"127.0.0.1:{checkout_url.rpartition(':')[2]}",
        "BAYAR_CHECKOUT_BASE_URL": checkout_url,
        "BAYAR_CHECKOUT_FRAME_ANCESTORS": base_url,
        "BAYAR_CHECKOUT_SHOP_NAME": "Kopi Senja",
        "BAYAR_CHECKOUT_COLOR": "#7a4a21",
        "BAYAR_CHECKOUT_COLOR_DARK": "#e0a46a",
        "BAYAR_LOG_LEVEL": "warning",
    }
    # In a session of its own, so that Ctrl-C at the terminal ends the shop first, and the service after it.
    process = subprocess.Popen(  # noqa: S603 - the service of this repository
        [*command, "--braintree-web", str(braintree_web)],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None  # noqa: S101 - the pipe was asked for
        line = next((line for line in process.stdout if line.startswith(_LISTENS)), "")
        if not line:
            raise SystemExit("The service did not start.")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield line.removeprefix(_LISTENS).split()[0]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP_SECONDS)


def _greeting(base_url: str, owner_password: str) -> str:
    return f"""
The shop is open. Everything runs on this machine, and no money moves. Ctrl-C ends it.

  {base_url}          the shop
  {base_url}/owner    the owner's desk: orders and refunds; the password is {owner_password}

Cards to pay with, with any date to come and any security code:

  4111 1111 1111 1111    is paid
  4000 0000 0000 1091    asks for a code of the bank: 1234
  4000 0000 0000 1000    is authenticated without a code

"""


def _kept_secret(file: Path, size: int) -> str:
    """A secret of this installation, made the first time."""
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as made:
            made.write(secrets.token_urlsafe(size))
    return file.read_text().strip()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())
