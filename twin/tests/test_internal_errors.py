"""Failures of the twin itself: a 500, never a client error."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from braintree_twin.app import App
from braintree_twin.control_api.endpoints import ControlApi
from braintree_twin.control_api.faults import FaultRule, FaultRules
from braintree_twin.control_api.traffic import TrafficCounter
from braintree_twin.http_messages import Request, Response
from braintree_twin.merchants import READY_MADE, Merchants
from braintree_twin.server.connection import Connection
from braintree_twin.state.store import Store


class StuckListenerGate:
    def refuse(self, rule: FaultRule) -> None:
        raise OSError("the address is in use")

    def resume_accepting(self) -> None:
        """Does nothing."""


class FailingConnectionOwner:
    """A connection owner that raises in `respond`."""

    scheme = "http"
    control_only = False

    def __init__(self) -> None:
        self.traffic = TrafficCounter()

    def opened(self, connection: Connection) -> None: ...

    def closed(self, connection: Connection) -> None: ...

    def is_control(self, request: Request) -> bool:
        return True

    def respond(self, request: Request) -> Response:
        raise ZeroDivisionError

    def trigger_fault(self, request: Request) -> FaultRule | None:
        raise NotImplementedError

    def reserve_key(self, request: Request) -> Callable[[], None]:
        raise NotImplementedError

    def route_of(self, request: Request) -> str:
        raise NotImplementedError

    def refuse(self, rule: FaultRule) -> None:
        raise NotImplementedError


def test_a_failure_of_the_control_api_is_answered_in_json(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store(tmp_path / "twin.db")
    control = ControlApi(App(store, Merchants([READY_MADE])), FaultRules(), TrafficCounter(), StuckListenerGate())
    body = json.dumps({"fault": "refuse"}).encode()
    response = control.handle(Request("POST", "/_twin/faults", "", {}, body))
    store.close()
    assert response.status == 500
    assert "the address is in use" in json.loads(response.body)["error"]
    assert "OSError" in caplog.text


def test_a_bug_behind_a_connection_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    async def ask() -> bytes:
        owner = FailingConnectionOwner()
        server = await asyncio.get_running_loop().create_server(lambda: Connection(owner), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(b"GET /_twin/clock HTTP/1.1\r\nHost: twin\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        server.close()
        return answer

    with caplog.at_level(logging.ERROR):
        answer = asyncio.run(ask())
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert "ZeroDivisionError" in caplog.text
