"""Runs the service in one process until it is stopped."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from adapters.http.server import WEBHOOKS
from adapters.persistence.sql.file_permissions import restrict_to_owner
from bootstrap.config.file_descriptors import raise_descriptor_limit, warn_of_few_descriptors
from bootstrap.config.settings import Settings, load_settings
from bootstrap.development.console_process import Console
from bootstrap.development.development_key import (
    HEADER_SUFFIX,
    KEY_FILE,
    OPERATOR_KEY_FILE,
    ensure_development_key,
    ensure_operators_key,
)
from bootstrap.development.twin_process import Twin, TwinFailed, running_twin
from bootstrap.exit_status import FAILED
from bootstrap.logging.log_format import write_logs
from bootstrap.logging.nonblocking_output import complain, say
from bootstrap.process.draining import StopRequest, end_process, send_last_spans
from bootstrap.process.exposure import encryption_of, warn_of_exposure
from bootstrap.process.hardening import leave_no_core_dumps
from bootstrap.process.preflight import CannotStart, prepared, warn_of_too_many_connections
from bootstrap.process.roles import BackgroundRole, GrpcRole
from bootstrap.wiring.container import Container

_LIMITS_OFF_BESIDE_A_TWIN: Final = (
    "BAYAR_DECLINES_PER_CARD",
    "BAYAR_DECLINES_PER_CUSTOMER",
    "BAYAR_DECLINES_PER_CLIENT_ADDRESS",
    "BAYAR_CARDS_PER_CUSTOMER",
    "BAYAR_CARDS_PER_CLIENT_ADDRESS",
)


def serve(settings: Settings) -> int:
    """Runs in this one process."""
    return run(_container(settings))


def serve_with_twin(state_dir: Path, web_package: Path | None = None, *, with_console: bool = False) -> int:
    """Runs with an offline gateway beside it, and with a console if asked. They keep their state in the directory."""
    console = Console()
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        state_dir = state_dir.resolve()
        restrict_to_owner(*state_dir.iterdir())
        with running_twin(state_dir, web_package) as twin:
            os.environ.update(twin.environment())
            # Never the environment's database: its operations do not exist at the twin.
            os.environ["BAYAR_DATABASE_URL"] = f"sqlite:///{state_dir / 'bayar.db'}"
            threading.Thread(target=_report_twin_end, args=(twin,), daemon=True).start()
            # Nothing balances the calls to it.
            os.environ.setdefault("BAYAR_STOP_DELAY_SECONDS", "0")
            # A developer tries declines with the same few cards.
            for name in _LIMITS_OFF_BESIDE_A_TWIN:
                os.environ.setdefault(name, "0")
            return run(
                _container(load_settings()),
                key_file=state_dir / KEY_FILE,
                tell_gateway=twin.tell,
                start_console=console.start if with_console else None,
            )
    except TwinFailed as error:
        complain(str(error))
    except OSError as error:
        complain(f"--state-dir {state_dir} cannot be used: {error.strerror or error}. Name a folder to write to")
    finally:
        console.stop()
    return FAILED


def _report_twin_end(twin: Twin) -> None:
    """Reports the twin's end. Otherwise every call would only say that the gateway cannot be reached."""
    if twin.ended_by_itself():
        complain("the twin of the gateway has ended. Calls answer GATEWAY_UNREACHABLE until you start both again")


def run(
    container: Container,
    *,
    key_file: Path | None = None,
    tell_gateway: Callable[[str], None] | None = None,
    start_console: Callable[[str], str] | None = None,
) -> int:
    """Runs the container's service in this process until it is stopped. Returns the exit status.

    tell_gateway: for development, called with the address for the gateway's webhooks.
    key_file: for development, the path of an API key; a first payment to try it with is printed.
    start_console: for development, called with the gRPC address; gives a sentence to print.
    """
    settings = container.settings()
    write_logs(settings.log_level, as_json=settings.log_as_json)
    leave_no_core_dumps()
    raise_descriptor_limit()
    try:
        with prepared(container):
            warn_of_too_many_connections(container)
            warn_of_few_descriptors(settings)
            if key_file is not None:
                ensure_development_key(container.store(), key_file)
            if key_file is not None and start_console is not None:
                ensure_operators_key(container.store(), key_file.with_name(OPERATOR_KEY_FILE))
            return asyncio.run(_serve_until_stopped(container, settings, key_file, tell_gateway, start_console))
    except CannotStart as error:
        complain(str(error))
        return FAILED


def _container(settings: Settings) -> Container:
    container = Container()
    container.settings.override(settings)
    return container


async def _serve_until_stopped(
    container: Container,
    settings: Settings,
    key_file: Path | None,
    tell_gateway: Callable[[str], None] | None,
    start_console: Callable[[str], str] | None,
) -> int:
    stop = StopRequest()
    loop = asyncio.get_running_loop()
    background, calls = BackgroundRole(container, settings), GrpcRole(container, settings)
    http_address = await background.listen()
    try:
        address = await calls.start()
    except CannotStart:
        await background.stop_listening()
        raise
    background.start()
    warn_of_exposure(settings)
    say(f"Bayar listens on {address} (gRPC, {encryption_of(settings)}). Ctrl-C ends it.")
    say(f"Webhooks at http://{http_address}{WEBHOOKS}; also /healthz, /readyz, /metrics.")
    if background.checkout_address:
        say(f"Checkout page at http://{background.checkout_address}, for shoppers at {settings.checkout_base_url}.")
    if tell_gateway is not None:
        await loop.run_in_executor(None, tell_gateway, f"http://{http_address}{WEBHOOKS}")
    if start_console is not None:
        say(await loop.run_in_executor(None, start_console, address))
        if key_file is not None:
            operator, caller = _near(key_file.with_name(OPERATOR_KEY_FILE)), _near(key_file)
            say(f"Sign in there with the key in {operator}: an operator with every right. (As a back end: {caller}.)")
    if key_file is not None:
        say(_first_payment(address, key_file))
    calls.on_unexpected_end(stop.stop_now)
    await stop.wait()
    say("Stopping: calls under way are finished first.")
    # A second signal ends it at once: the next start then finds and resumes the work under way.
    stop.restore_signals()
    background.drain()
    await calls.drain()
    await stop.delay(settings.stop_delay_seconds)
    # Released at once, so that other replicas do not wait for this one's leases.
    container.stopping().set()
    have_ended = all(await asyncio.gather(calls.stop(), background.stop()))
    await background.stop_listening()
    have_ended &= await send_last_spans(container.tracing())
    say("Stopped.")
    status = FAILED if calls.has_failed else 0
    return status if have_ended else end_process(status)


def _first_payment(address: str, key_file: Path) -> str:
    """The command for a first payment, ready to paste."""
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
