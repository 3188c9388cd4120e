"""Runs the console: `bayar-console`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import warnings
from importlib.metadata import version

import uvicorn
from pydantic import ValidationError

from bayar_console import web
from bayar_console.configuration import Configuration, unknown_variables


def main(arguments: list[str] | None = None) -> int:
    """Serves the console until SIGTERM or Ctrl-C. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="bayar-console", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"bayar-console {version('bayar-console')}")
    parser.add_argument("--address", help="listen on this host and port instead of BAYAR_CONSOLE_ADDRESS")
    parser.add_argument("--service", help="the service's gRPC address instead of BAYAR_CONSOLE_SERVICE")
    parser.add_argument("--stop-with-stdin", action="store_true", help="stop at the end of standard input")
    options = parser.parse_args(arguments)
    given = {name: value for name in ("address", "service") if (value := getattr(options, name))}
    if unknown := unknown_variables(os.environ):
        sys.stderr.write("".join(f"bayar-console: {name} is no setting\n" for name in unknown))
        return 2
    try:
        configuration = Configuration(**given)
    except ValidationError as error:
        for fault in error.errors():
            name = "".join(f"BAYAR_CONSOLE_{part}: ".upper() for part in map(str, fault["loc"]))
            sys.stderr.write(f"bayar-console: {name}{fault['msg'].removeprefix('Value error, ')}\n")
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # WhiteNoise gives its files piece by piece, of which Django warns under ASGI. They are few and small.
    warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
    web.configure(configuration)
    if options.stop_with_stdin:
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    host, _, port = configuration.address.rpartition(":")
    sys.stdout.write(f"The console is at {configuration.origin}\n")
    sys.stdout.flush()
    uvicorn.run(
        web.application(),
        host=host.strip("[]"),
        port=int(port),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        lifespan="off",
    )
    return 0


def _stop_with_stdin() -> None:
    """Ends this process as SIGTERM does, once whoever started it is gone."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


_DESCRIPTION = "Serve the web console of Bayar, for support staff and administrators."
_EPILOG = "Settings: the environment, BAYAR_CONSOLE_*; see docs/operate/console.md."

if __name__ == "__main__":
    sys.exit(main())
