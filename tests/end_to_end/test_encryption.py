"""Personal data is encrypted in the files of the database, and the keys change while the service works."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import sqlite3
from pathlib import Path

import grpc
import pytest

from bayar.messages import BayarClient, BayarError
from tests.end_to_end.service import Pair, run_bayar, running_pair, until

OLD = "2025:" + base64.b64encode(hashlib.sha256(b"o").digest()).decode()
NEW = "2026:" + base64.b64encode(hashlib.sha256(b"n").digest()).decode()


def _files(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.glob("bayar.db*"))


def test_keys_are_rotated_while_the_service_works(tmp_path: Path) -> None:
    with running_pair(tmp_path, {"BAYAR_ENCRYPTION_KEYS": OLD}) as pair:
        ani = pair.service.client().create_customer(email="ani.rahasia@example.com", given_name="Anirahasia")
        pair.service.stop()
        # First every replica learns the new key, then it becomes the current one.
        pair.service.environment["BAYAR_ENCRYPTION_KEYS"] = f"{NEW},{OLD}"
        pair.service.start()
        rotated = run_bayar("encryption", "rotate", environment=pair.service.environment)
        assert rotated.returncode == 0, rotated.stderr
        assert "Everything is encrypted with '2026'" in rotated.stdout
        status = run_bayar("encryption", "status", environment=pair.service.environment)
        assert re.match(r"2026: [1-9]\d* values, current\n$", status.stdout)
        assert _reads(pair.service.client(), ani.customer_id) == "Anirahasia"
        pair.service.stop()
        pair.service.environment["BAYAR_ENCRYPTION_KEYS"] = NEW
        pair.service.start()
        assert _reads(pair.service.client(), ani.customer_id) == "Anirahasia"
        assert b"rahasia" not in _files(tmp_path)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("2025:" + base64.b64encode(hashlib.sha256(b"x").digest()).decode(), "has another key '2025'"),
        (NEW, "misses the key '2025'"),
        ("2025", "must list NAME:KEY pairs"),
    ],
)
def test_a_key_that_does_not_fit_is_reported_at_the_start(tmp_path: Path, keys: str, said: str) -> None:
    with running_pair(tmp_path, {"BAYAR_ENCRYPTION_KEYS": OLD}) as pair:
        pair.service.stop()
        refused = run_bayar("serve", environment=_with_keys(pair, keys))
        assert refused.returncode == 2
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr
        assert keys.partition(":")[2] == "" or keys.partition(":")[2] not in refused.stderr


def test_without_a_key_no_real_gateway_is_served(tmp_path: Path) -> None:
    with running_pair(tmp_path) as pair:
        environment = {name: text for name, text in pair.service.environment.items() if "BRAINTREE_URL" not in name}
        environment.pop("BAYAR_BRAINTREE_CA_FILE")
        refused = run_bayar("serve", environment={**environment, "BAYAR_BRAINTREE_ENVIRONMENT": "sandbox"})
    assert refused.returncode == 2
    assert "BAYAR_ENCRYPTION_KEYS is missing" in refused.stderr


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(OLD + "\n")
    with running_pair(tmp_path, {"BAYAR_ENCRYPTION_KEYS_FILE": str(tmp_path / "keys")}) as pair:
        pair.service.client().create_customer(email="ani@example.com")
        status = run_bayar("encryption", "status", environment=pair.service.environment)
        assert re.match(r"2025: [1-9]\d* values, current\n$", status.stdout)
        both = run_bayar("encryption", "status", environment=_with_keys(pair, OLD))
        assert "both set" in both.stderr
        missing = {**pair.service.environment, "BAYAR_ENCRYPTION_KEYS_FILE": str(tmp_path / "nowhere")}
        assert "cannot be read" in run_bayar("encryption", "status", environment=missing).stderr


def _with_keys(pair: Pair, keys: str) -> dict[str, str]:
    return {**pair.service.environment, "BAYAR_ENCRYPTION_KEYS": keys}


def _reads(client: BayarClient, customer_id: str) -> str:
    try:
        return client.get_customer(customer_id=customer_id).given_name
    except grpc.RpcError as error:
        return str(error)


def test_a_plain_value_from_outside_the_service_is_refused_and_named(tmp_path: Path) -> None:
    with running_pair(tmp_path, {"BAYAR_ENCRYPTION_KEYS": OLD}) as pair:
        ani = pair.service.client().create_customer(email="ani@example.com", given_name="Ani")
        with contextlib.closing(sqlite3.connect(pair.database)) as database, database:
            database.execute("UPDATE customers SET email = 'mallory@example.com'")
        with pytest.raises(BayarError) as failure:
            pair.service.client().get_customer(customer_id=ani.customer_id)
        assert "mallory" not in str(failure.value)
        until(lambda: f"customers.email/{ani.customer_id} is plain text in a database" in pair.service.log)
        rotated = run_bayar("encryption", "rotate", environment=pair.service.environment)
        assert rotated.returncode == 2
        assert f"the value at customers.email/{ani.customer_id} is not encrypted" in rotated.stderr
