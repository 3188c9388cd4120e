"""The client's wheel passes the conformance suite on the oldest releases that it supports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.client.dying_connection import dying_connection
from tests.python_client.environments import Environment, build_environment, floors


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    pins = [f"{name}=={version}" for name, version in floors().items()]
    return build_environment(tmp_path_factory.mktemp("oldest"), wheel, *pins)


def test_the_oldest_releases_are_installed_and_nothing_else(environment: Environment) -> None:
    versions = environment.versions()
    assert set(floors()) == {"grpcio", "googleapis-common-protos", "protobuf"}
    for name, floor in floors().items():
        assert (versions[name] + ".0").startswith(f"{floor}.")
    assert set(versions) <= {*floors(), "bayar-client"}


@pytest.mark.timeout(400)  # two clients, one case after the other
def test_every_case_passes(environment: Environment, told: dict[str, str]) -> None:
    done = environment.run("-m", "tests.conformance.runner", told=json.dumps(told) + "\n")
    assert done.stdout.endswith(" cases, 0 problems\n"), done.stdout + done.stderr
    assert int(done.stdout.split()[-4]) > 100


def test_a_connection_that_goes_dead_is_noticed(environment: Environment) -> None:
    program = """
import sys
from bayar import BayarClient, channels
channels.KEEPALIVE_TIME_MS = channels.KEEPALIVE_TIMEOUT_MS = 200
with BayarClient(sys.argv[1], timeout_seconds=20) as bayar:
    print(bayar.get_payment(payment_id="pay_1").payment_id)
"""
    with dying_connection() as dying:
        done = environment.run("-c", program, dying.address)
    assert done.stdout == "pay_1\n", done.stderr
    assert len(dying.script.requests) == 2


def test_a_webhook_of_a_newer_service_is_read(environment: Environment) -> None:
    program = """
import base64, hashlib, hmac, json, time
from bayar.webhooks import read_webhook
body = json.dumps({"id": "e", "type": "t", "data": {"position": "7", "type": "EVENT_TYPE_MOON", "mood": 1}}).encode()
at = str(int(time.time()))
digest = hmac.new(b"secret", f"e.{at}.".encode() + body, hashlib.sha256).digest()
signed = {"webhook-id": "e", "webhook-timestamp": at, "webhook-signature": "v1," + base64.b64encode(digest).decode()}
print(read_webhook(signed, body, "secret").event.position)
"""
    done = environment.run("-c", program)
    assert done.stdout == "7\n", done.stderr
