"""Runs the service until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from adapters.grpc.server import CannotListen
from adapters.grpc.tls import BadCertificates
from adapters.http.server import WEBHOOKS
from adapters.http.server import CannotListen as CannotListenHttp
from adapters.persistence import resealing
from adapters.persistence.migrate import is_current, upgrade
from application.ports.gateway import GatewayUnavailable
from application.ports.store import StoreUnavailable
from bayar.channels import is_loopback
from bootstrap import encryption
from bootstrap.container import Container
from bootstrap.development_key import HEADER_SUFFIX, KEY_FILE, ensure_development_key
from bootstrap.hardening import leave_no_core_dumps
from bootstrap.logs import write_logs
from bootstrap.settings import Authentication, BadSettings, Settings, load_settings
from bootstrap.twin_process import Twin, TwinFailed, running_twin
from bootstrap.worker import Worker

_log = logging.getLogger(__name__)

_CANNOT_START = 1
_HOUSEKEEPING_SECONDS = 5.0
_CLEANING_INTERVAL_SECONDS = 60.0


def serve() -> int:
    """Runs with the settings of the environment."""
    return run(_container(load_settings()))


def serve_with_twin(state_dir: Path) -> int:
    """Runs with an offline gateway beside it, both keeping their state in the directory."""
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        state_dir = state_dir.resolve()
        with running_twin(state_dir) as twin:
            os.environ.update(twin.environment())
            # Never the database of the environment: its operations are none of the twin's.
            os.environ["BAYAR_DATABASE_URL"] = f"sqlite:///{state_dir / 'bayar.db'}"
            threading.Thread(target=_tell_when_gone, args=(twin,), daemon=True).start()
            return run(_container(load_settings()), key_file=state_dir / KEY_FILE, tell_gateway=twin.tell)
    except TwinFailed as error:
        _complain(str(error))
    except OSError as error:
        _complain(f"--state-dir {state_dir} cannot be used: {error.strerror or error}. Name a folder to write to")
    return _CANNOT_START


def _tell_when_gone(twin: Twin) -> None:
    """Without a word, every call would just say that the gateway cannot be reached."""
    if twin.went_unasked():
        _complain("the twin of the gateway has ended. Calls answer GATEWAY_UNREACHABLE until you start both again")


def migrate() -> int:
    """Brings the schema up to date."""
    return _with_database(_migrate)


def encryption_status() -> int:
    """Tells how many values each key has encrypted."""
    return _with_database(_encryption_status)


def rotate_encryption() -> int:
    """Encrypts everything in the database with the current key."""
    return _with_database(_rotate_encryption)


def _with_database(job: Callable[[Container, Engine], str]) -> int:
    """Does it with the settings of the environment, and says what came of it."""
    container = _container(load_settings())
    engine = _engine(container)
    try:
        _say(job(container, engine))
    except StoreUnavailable as error:
        _complain(f"the database does not answer: {error}")
        return _CANNOT_START
    finally:
        engine.dispose()
    return 0


def _migrate(container: Container, engine: Engine) -> str:
    upgrade(engine)
    encryption.check_keys(container, engine)
    return "The schema is up to date."


def _encryption_status(container: Container, engine: Engine) -> str:
    current = container.sealer().current_key_id
    counts = resealing.count_by_key(engine)
    lines = [f"{current}: {counts.get(current, 0)} values, current"]
    lines += [f"{name or 'not encrypted'}: {count} values" for name, count in sorted(counts.items()) if name != current]
    return "\n".join(lines)


def _rotate_encryption(container: Container, engine: Engine) -> str:
    written = encryption.rotate(container, engine)
    current = container.sealer().current_key_id
    return f"{written} rows were encrypted anew. Everything is encrypted with {current!r}; older keys can be removed."


def run(
    container: Container, *, key_file: Path | None = None, tell_gateway: Callable[[str], None] | None = None
) -> int:
    """Runs what the container is made of until told to stop. Returns the exit status.

    tell_gateway: for development, told where the gateway's webhooks go.
    key_file: for development, where to keep an API key, and a first payment to try it with is printed.
    """
    settings = container.settings()
    write_logs(settings.log_level)
    leave_no_core_dumps()
    with ExitStack() as stack:
        try:
            engine = _engine(container)
            stack.callback(engine.dispose)
            stack.callback(container.gateway().close)
            if engine.dialect.name == "sqlite":
                upgrade(engine)
            elif not is_current(engine):
                _complain("the database's schema is not up to date: run `bayar migrate` first, with the same settings")
                return _CANNOT_START
            encryption.check_keys(container, engine)
            if not settings.braintree_merchant_accounts:
                container.gateway().discover_merchant_accounts()
            if key_file is not None:
                ensure_development_key(container.store(), key_file)
            return asyncio.run(_serve_until_told(container, settings, key_file, tell_gateway))
        except StoreUnavailable as error:
            _complain(f"the database does not answer (BAYAR_DATABASE_URL): {error}")
        except GatewayUnavailable as error:
            _complain(
                "Braintree did not tell its merchant accounts. Check the keys and the connection, or name the accounts "
                f"in BAYAR_BRAINTREE_MERCHANT_ACCOUNTS: {error}"
            )
        except BadCertificates as error:
            _complain(f"{error}. BAYAR_TLS_CERTIFICATE_FILE, BAYAR_TLS_KEY_FILE and BAYAR_TLS_CLIENT_CA_FILE name them")
        except CannotListen as error:
            _complain(f"{error}. Set BAYAR_GRPC_ADDRESS to a free address, for example 127.0.0.1:50052")
        except CannotListenHttp as error:
            _complain(f"{error}. Set BAYAR_HTTP_ADDRESS to a free address, for example 127.0.0.1:8081")
        return _CANNOT_START


def _container(settings: Settings) -> Container:
    container = Container()
    container.settings.override(settings)
    return container


def _engine(container: Container) -> Engine:
    """Raises BadSettings where the URL names no database that can be used."""
    try:
        engine: Engine = container.engine()
    except ValueError as error:
        raise BadSettings(f"BAYAR_DATABASE_URL is wrong: {error}") from None
    return engine


async def _serve_until_told(
    container: Container, settings: Settings, key_file: Path | None, tell_gateway: Callable[[str], None] | None
) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    server = await loop.run_in_executor(None, container.server)
    http = await loop.run_in_executor(None, container.http_server)
    http_address = await http.start(settings.http_address)
    try:
        address = await server.start(settings.grpc_address)
    except CannotListen:
        await http.stop()
        raise
    outages = (GatewayUnavailable, StoreUnavailable)
    workers = [
        Worker("resolver", container.resolve_operations(), settings.resolver_interval_seconds, outages),
        Worker("method resolver", container.resolve_methods(), settings.resolver_interval_seconds, outages),
        Worker("refused calls", container.refused_calls(), _HOUSEKEEPING_SECONDS, outages),
        Worker("key uses", container.key_uses(), _HOUSEKEEPING_SECONDS, outages),
        Worker("follower", container.follow_payments(), settings.resolver_interval_seconds, outages),
        Worker("event relay", container.relay_events(), settings.feed_interval_seconds, outages),
        Worker("webhook worker", container.process_notifications(), settings.resolver_interval_seconds, outages),
        Worker("dispute follower", container.follow_disputes(), settings.resolver_interval_seconds, outages),
        Worker("dispute poll", container.poll_disputes(), settings.dispute_poll_seconds, outages),
        Worker("attempt cleaner", container.forget_attempts(), _CLEANING_INTERVAL_SECONDS, outages),
    ]
    deliver = container.deliver_events()
    workers += [
        Worker(f"postman of {one.name}", partial(deliver.serve, one), settings.resolver_interval_seconds, outages)
        for one in deliver.endpoints
    ]
    for worker in workers:
        worker.start()
    _warn_of_open_doors(settings)
    _say(f"Bayar listens on {address} (gRPC, {_encryption(settings)}). Ctrl-C ends it.")
    _say(f"Webhooks at http://{http_address}{WEBHOOKS}; also /healthz, /readyz, /metrics.")
    if tell_gateway is not None:
        await loop.run_in_executor(None, tell_gateway, f"http://{http_address}{WEBHOOKS}")
    if key_file is not None:
        _say(_first_payment(address, key_file))
    await stopping.wait()
    _say("Stopping: calls under way are finished first.")
    # A second signal ends it at once: what is under way is then found again by the next start.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
    await http.stop()
    # Right away, so that other replicas do not wait for what this one holds.
    container.stopping().set()
    await server.stop(settings.stop_grace_seconds)
    for worker in workers:
        if not await loop.run_in_executor(None, worker.stop, settings.stop_grace_seconds):
            _log.warning("a worker did not end in time; the next start takes up its work")
    await loop.run_in_executor(None, _write_down_the_rest, container)
    _say("Stopped.")
    return 0


def _write_down_the_rest(container: Container) -> None:
    """What was only noted so far: refused calls, and uses of keys."""
    try:
        container.refused_calls()()
        container.key_uses()()
    except StoreUnavailable as error:
        _log.warning("the last refused calls are not in the audit log: %s", error)


def _encryption(settings: Settings) -> str:
    if settings.tls_certificate_file is None:
        return "plain text"
    return "TLS" if settings.tls_client_ca_file is None else "mutual TLS"


def _warn_of_open_doors(settings: Settings) -> None:
    if settings.authentication is Authentication.NONE:
        _log.warning("BAYAR_AUTHENTICATION=none: whoever reaches %s may do everything", settings.grpc_address)
    if settings.tls_certificate_file is None and not is_loopback(settings.grpc_address):
        _log.warning(
            "BAYAR_ALLOW_PLAINTEXT=true: %s serves plain text, card data and credentials included. Something else must "
            "encrypt it",
            settings.grpc_address,
        )


def _first_payment(address: str, key_file: Path) -> str:
    """How to make a first payment, to be pasted as it stands."""
    tools = Path(sys.executable).parent
    folder = _near(tools)
    header_file, key_file = _near(key_file.with_suffix(HEADER_SUFFIX)), _near(key_file)
    year = datetime.now(UTC).year + 3
    order = uuid.uuid4()
    return f"""
A first payment with buf curl:

{folder}/buf curl --protocol grpc --http2-prior-knowledge -H @{header_file} \\
  http://{address}/bayar.payments.v1.PaymentService/CreatePayment -d '{{
    "request_id": "{order}", "reference": "order-{str(order)[:4]}",
    "amount": {{"minor_units": 2500, "currency_code": "USD"}},
    "card": {{"number": "4111111111111111", "expiration_month": 12, "expiration_year": {year}, "cvv": "123"}}}}'

The same with Python:

BAYAR_API_KEY=$(cat {key_file}) {folder}/python - <<'END'
from bayar import BayarClient, card, money
with BayarClient("{address}") as bayar:
    print(bayar.create_payment(reference="order-{str(order)[4:8]}", amount=money("25.00", "USD"),
          card=card(number="4111111111111111", expiration_month=12, expiration_year={year}, cvv="123")))
END
"""


def _near(path: Path) -> Path:
    return Path(os.path.relpath(path)) if path.is_relative_to(Path.cwd()) else path


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _complain(text: str) -> None:
    print(f"bayar: {text}", file=sys.stderr, flush=True)  # noqa: T201
