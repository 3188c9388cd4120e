"""Starts the servers that a conformance runner needs: `python -m tests.conformance.serve`.

It prints one line of JSON that names the addresses, the certificate authority, the API key and the control address, and
ends when its standard input does.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from braintree_twin.testing import start_twin
from tests.api_keys import TEST_KEY
from tests.conformance.cases import load_cases
from tests.conformance.matching import Case
from tests.conformance.scripted import ScriptedServer
from tests.end_to_end.service import Pair, Service, environment_of
from tests.token_issuer import Authority

_NOTHING: Final[dict[str, Any]] = {}


class Control:
    """Begins and ends cases, and moves the gateway."""

    def __init__(self, pair: Pair, scripted: ScriptedServer, cases: list[Case]) -> None:
        self._pair = pair
        self._scripted = scripted
        self._cases = {case.id: case for case in cases}
        self._lock = threading.Lock()

    def answer(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to a request of a runner. Raises KeyError for an unknown path or case."""
        with self._lock:
            return self._ACTIONS[path](self, body)

    def _list(self, _: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [case.as_json() for case in self._cases.values()]

    def _begin(self, body: Mapping[str, Any]) -> dict[str, Any]:
        content = self._cases[body["case"]].content
        self._scripted.begin(content.get("script", []))
        self._pair.twin.control.clear_faults()
        for fault in content.get("gateway", []):
            self._pair.twin.control.add_fault(**fault)
        return _NOTHING

    def _end(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self._pair.twin.control.clear_faults()
        return {"problems": self._scripted.problems(self._cases[body["case"]].content.get("received", {}))}

    def _settle(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"by_status": self._pair.twin.control.settle()}

    _ACTIONS: Final = {"/cases": _list, "/begin": _begin, "/end": _end, "/settle": _settle}


class _Handler(BaseHTTPRequestHandler):
    control: Control

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}"))

    def _answer(self, body: Mapping[str, Any]) -> None:
        try:
            status, content = 200, self.control.answer(self.path, body)
        except KeyError as unknown:
            status, content = 404, {"error": f"unknown: {unknown}"}
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Standard error is for faults."""


@contextmanager
def running(cases: list[Case] | None = None) -> Iterator[dict[str, str]]:
    """Both servers and their control. Yields the names and values that `python -m tests.conformance.serve` prints."""
    with tempfile.TemporaryDirectory(prefix="bayar-conformance-") as name, start_twin(Path(name)) as twin:
        directory = Path(name)
        authority = Authority(directory)
        root = authority.write_own()
        certificate, key = authority.issue("server")
        tls = {"BAYAR_TLS_CERTIFICATE_FILE": str(certificate), "BAYAR_TLS_KEY_FILE": str(key)}
        service = Service(environment_of(twin, f"sqlite:///{directory / 'bayar.db'}", tls), directory / "bayar.log")
        scripted = ScriptedServer(certificate, key)
        try:
            service.start()
            control = Control(Pair(service, twin, directory), scripted, load_cases() if cases is None else cases)
            with _control_server(control) as control_url:
                yield {
                    "service": service.address,
                    "scripted": scripted.address,
                    "root_certificates": str(root),
                    "api_key": TEST_KEY,
                    "control": control_url,
                }
        finally:
            service.close()
            scripted.close()


@contextmanager
def _control_server(control: Control) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"control": control}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    with running() as told:
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
