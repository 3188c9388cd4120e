"""The command line: braintree-twin serve, braintree-twin check."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from braintree_twin.app import App
from braintree_twin.browser.chromium import chromium_arguments
from braintree_twin.browser.hosts import HOSTS
from braintree_twin.browser.web_package import WebPackage
from braintree_twin.merchants import READY_MADE, Merchants
from braintree_twin.seed.default_catalog import load_default_catalog
from braintree_twin.seed.fields import InvalidSeed
from braintree_twin.seed.loader import check_seed, load_seed
from braintree_twin.seed.seed_file import Seed, read_seed
from braintree_twin.server.service import Address, Service
from braintree_twin.server.tls import prepare_tls
from braintree_twin.state.store import Store, UnusableState
from braintree_twin.webhooks.notifications import set_address


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.run
    try:
        return command(options)
    except InvalidSeed as invalid:
        sys.stderr.writelines(f"braintree-twin: {fault}\n" for fault in invalid.faults)
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"braintree-twin: {place}{error.strerror or error}\n")
        return 1
    except UnusableState as error:
        sys.stderr.write(f"braintree-twin: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="braintree-twin", description="An offline twin of Braintree's gateway.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="serve until SIGINT or SIGTERM"))
    check = commands.add_parser(
        "check", help="check a seed, and print every fault in it; exit status 1 if there is one"
    )
    check.add_argument("seed", type=Path, metavar="FILE", help="the seed, as --seed takes it")
    check.set_defaults(run=_check)
    chromium = commands.add_parser(
        "chromium-arguments", help="print, a line each, the arguments that lead a Chromium to a twin"
    )
    chromium.add_argument("--url", default="https://127.0.0.1:8443", help="the twin's address (%(default)s)")
    chromium.add_argument("--tls-dir", type=Path, default=Path("twin-tls"), help="its certificates (%(default)s)")
    chromium.set_defaults(run=_print_chromium_arguments)
    return parser


def _add_serve(serve: argparse.ArgumentParser) -> None:
    serve.set_defaults(run=_serve)
    serve.add_argument(
        "--address", type=_address, default=("127.0.0.1", 8443), help="HOST:PORT; port 0 takes a free one (%(default)s)"
    )
    serve.add_argument("--state", type=Path, default=Path("twin.db"), help="the SQLite file to keep (%(default)s)")
    serve.add_argument("--tls-dir", type=Path, default=Path("twin-tls"), help="where ca.pem is written (%(default)s)")
    serve.add_argument("--seed", type=Path, metavar="FILE", help="TOML: merchants and what they start with")
    serve.add_argument("--webhook-url", metavar="URL", help="where every merchant's webhooks go")
    serve.add_argument("--plain", action="store_true", help="http instead of https")
    serve.add_argument("--control-address", type=_address, help="HOST:PORT of the control API alone, over http")
    serve.add_argument(
        "--stop-with-stdin",
        action="store_true",
        help="stop when standard input ends: whoever started the twin through a pipe leaves none behind",
    )
    serve.add_argument(
        "--request-timeout", type=_seconds, default=30.0, help="seconds that a request may take to arrive (%(default)s)"
    )
    serve.add_argument(
        "--idle-timeout", type=_seconds, default=300.0, help="seconds that a connection may be unused (%(default)s)"
    )
    serve.add_argument(
        "--strict", action="store_true", help="refuse requests with fields that the twin does not act on (422)"
    )
    serve.add_argument(
        "--gateway-hosts",
        action="store_true",
        help="client tokens name the gateway's sandbox hosts, as npm's braintree-web demands; the browser's resolver "
        "rules lead them here",
    )
    serve.add_argument(
        "--braintree-web",
        type=_web_package,
        metavar="FOLDER",
        help="npm's braintree-web, such as node_modules/braintree-web: its scripts are served at the addresses of the "
        "gateway's hosts",
    )
    serve.add_argument(
        "--browser-address",
        type=_address,
        metavar="HOST:PORT",
        help="for a person's browser, over http: client tokens name http://localhost:PORT, and the scripts of "
        "--braintree-web are served there as copies that accept it",
    )
    serve.add_argument("--quiet", action="store_true", help="no line for each request")


def _print_chromium_arguments(options: argparse.Namespace) -> int:
    lines = chromium_arguments(options.url, options.tls_dir / "server.pem")
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8443")
    return host.strip("[]") or "127.0.0.1", int(port)


def _web_package(text: str) -> WebPackage:
    try:
        return WebPackage(Path(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to 86400, such as 30")
    return seconds


def _log_to_stderr(*, quiet: bool) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logging.basicConfig(level=logging.WARNING if quiet else logging.INFO, handlers=[handler])
    # asyncio would log every TLS handshake that a client abandons.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)


def _check(options: argparse.Namespace) -> int:
    seed = check_seed(options.seed)
    tables = [table for each in seed.merchant_seeds for table in each.tables.values()]
    merchants, records = len(seed.merchants), sum(map(len, tables))
    sys.stdout.write(f"{options.seed}: no faults; {merchants} merchants, {records} records\n")
    return 0


def _serve(options: argparse.Namespace) -> int:
    _log_to_stderr(quiet=options.quiet)
    store = Store(options.state)
    try:
        seed = read_seed(options.seed) if options.seed else None
        if seed and not seed.merchants:
            seed.raise_faults()
        merchants = Merchants(seed.merchants if seed else [READY_MADE])
        app = App(
            store,
            merchants,
            strict=options.strict,
            gateway_hosts=options.gateway_hosts,
            web_package=options.braintree_web,
        )
        app.load_initial = lambda: _load_initial(app, seed, options.webhook_url)
        app.load_initial()
        tls = (
            None
            if options.plain
            else prepare_tls(options.tls_dir, options.address[0], HOSTS if options.gateway_hosts else ())
        )
        if options.stop_with_stdin:
            threading.Thread(target=_stop_with_stdin, daemon=True).start()
        service = Service(
            app,
            options.address,
            tls,
            options.control_address,
            options.browser_address,
            request_seconds=options.request_timeout,
            idle_seconds=options.idle_timeout,
        )
        asyncio.run(_run(service))
    finally:
        store.close()
    return 0


def _load_initial(app: App, seed: Seed | None, webhook_url: str | None) -> None:
    if seed:
        load_seed(app, seed)
    else:
        load_default_catalog(app, READY_MADE)
    for merchant in app.merchants if webhook_url else ():
        set_address(app.store, merchant.id, webhook_url or "")


def _stop_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


async def _run(service: Service) -> None:
    await service.run(on_ready=lambda: _announce(service))


def _announce(service: Service) -> None:
    ca = f" ca={service.tls.ca.resolve()}" if service.tls else ""
    sys.stdout.write(f"braintree-twin ready at {service.url} control={service.control_url}/_twin/{ca}\n")
    if service.browser_url:
        sys.stdout.write(f"browsers: {service.browser_url}\n")
    sys.stdout.flush()
