"""When the twin itself fails, it says so: a 500, and never what looks like the client's fault."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from braintree_twin.app import App
from braintree_twin.control_side.endpoints import ControlSide
from braintree_twin.control_side.faults import FaultBook, Rule
from braintree_twin.control_side.traffic import Traffic
from braintree_twin.merchants import READY_MADE, Merchants
from braintree_twin.server.connection import Connection
from braintree_twin.server.http import Request, Response
from braintree_twin.state.store import Store


class StuckDoor:
    def refuse(self, rule: Rule) -> None:
        raise OSError("the address is in use")

    def accept_again(self) -> None:
        """It is open."""


class BrokenSite:
    """A site with a bug."""

    scheme = "http"
    only_control = False

    def __init__(self) -> None:
        self.traffic = Traffic()

    def opened(self, connection: Connection) -> None: ...

    def closed(self, connection: Connection) -> None: ...

    def is_control(self, request: Request) -> bool:
        return True

    def respond(self, request: Request) -> Response:
        raise ZeroDivisionError

    def strike(self, request: Request) -> Rule | None:
        raise NotImplementedError

    def hold(self, request: Request) -> Callable[[], None]:
        raise NotImplementedError

    def route_of(self, request: Request) -> str:
        raise NotImplementedError

    def refuse(self, rule: Rule) -> None:
        raise NotImplementedError


def test_a_control_side_that_fails_answers_in_json(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store(tmp_path / "twin.db")
    control = ControlSide(App(store, Merchants([READY_MADE])), FaultBook(), Traffic(), StuckDoor())
    body = json.dumps({"fault": "refuse"}).encode()
    response = control.handle(Request("POST", "/_twin/faults", "", {}, body))
    store.close()
    assert response.status == 500
    assert "the address is in use" in json.loads(response.body)["error"]
    assert "OSError" in caplog.text


def test_a_bug_behind_a_connection_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    async def ask() -> bytes:
        site = BrokenSite()
        server = await asyncio.get_running_loop().create_server(lambda: Connection(site), "127.0.0.1", 0)
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
