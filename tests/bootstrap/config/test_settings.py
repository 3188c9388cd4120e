"""Settings: what is wrong is said in a sentence that names the variable and gives an example."""

import base64
import os
import re
import sys
from pathlib import Path

import pytest

from bootstrap.config.configuration_page import page
from bootstrap.config.merchant_accounts import read_accounts
from bootstrap.config.settings import BadSettings, load_settings
from bootstrap.config.weak_keys import is_weak_key
from tests.encryption_keys import ENCRYPTION_KEYS

ROOT = Path(__file__).parents[3]

SANDBOX = {
    "BAYAR_BRAINTREE_ENVIRONMENT": "sandbox",
    "BAYAR_BRAINTREE_MERCHANT_ID": "m",
    "BAYAR_BRAINTREE_PUBLIC_KEY": "p",
    "BAYAR_BRAINTREE_PRIVATE_KEY": "very-private",
}


@pytest.fixture(autouse=True)
def _only_these(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**SANDBOX, "BAYAR_ENCRYPTION_KEYS": ENCRYPTION_KEYS}.items():
        monkeypatch.setenv(name, value)


def test_the_merchants_own_keys_are_enough_to_start() -> None:
    settings = load_settings()
    assert settings.grpc_address == "127.0.0.1:50051"
    assert len(settings.key_for("x")) == 32
    assert settings.key_for("x") != settings.key_for("y")


def test_every_missing_variable_is_named_at_once_with_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SANDBOX:
        monkeypatch.delenv(name)
    with pytest.raises(BadSettings) as raised:
        load_settings()
    lines = str(raised.value).splitlines()
    assert len(lines) == len(SANDBOX)
    for name, line in zip(SANDBOX, lines, strict=True):
        assert line.startswith(f"{name} is missing.")
        assert f"Example: {name}=" in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BAYAR_BRAINTREE_ENVIRONMENT", "sandboxx"),
        ("BAYAR_GRPC_ADDRESS", "localhost"),
        ("BAYAR_GRPC_ADDRESS", "localhost:70000"),
        ("BAYAR_OTLP_ENDPOINT", "http://jaeger:4318/v1/traces"),
        ("BAYAR_TRACE_RATIO", "2"),
        ("BAYAR_BRAINTREE_MERCHANT_ACCOUNTS", "usd=account"),
        ("BAYAR_BRAINTREE_MERCHANT_ACCOUNTS", "USD"),
        ("BAYAR_BRAINTREE_MERCHANT_ACCOUNTS", "USD="),
        ("BAYAR_BRAINTREE_MERCHANT_ACCOUNTS", "USD= ,IDR=b"),
        ("BAYAR_BRAINTREE_MERCHANT_ACCOUNTS", "=a"),
        ("BAYAR_BRAINTREE_MERCHANT_ACCOUNTS", "XXX=a"),
        ("BAYAR_BRAINTREE_MERCHANT_ACCOUNTS", "USD=a=b"),
        ("BAYAR_BRAINTREE_MERCHANT_ACCOUNTS", " , "),
        ("BAYAR_BRAINTREE_MERCHANT_ACCOUNTS", ""),
        ("BAYAR_GRPC_THREADS", "many"),
        ("BAYAR_SECRET_KEY", "short"),
        ("BAYAR_LOG_LEVEL", "loud"),
        ("BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS", "-1"),
        ("BAYAR_STOP_GRACE_SECONDS", "1e9"),
        ("BAYAR_STOP_GRACE_SECONDS", "600.1"),
    ],
)
def test_a_wrong_value_is_named_and_not_repeated(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings) as raised:
        load_settings()
    assert str(raised.value).startswith(name)
    assert f"Example: {name}=" in str(raised.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("USD=a,IDR=b,USD=c", "names USD twice. Join its accounts with |, the default first: USD=a|b"),
        ("IDR=c,USD=a|b|a", "names an account of USD twice. Keep each once, the default first"),
        ("USD=a||b", "must name the merchant accounts of USD in letters, digits, - and _, with | between"),
        ("USD=a|", "must name the merchant accounts of USD in letters, digits, - and _, with | between"),
        ("USD=a;b", "must name the merchant accounts of USD in letters, digits, - and _, with | between"),
    ],
)
def test_merchant_accounts_that_are_not_clear_are_refused(
    monkeypatch: pytest.MonkeyPatch, given: str, message: str
) -> None:
    monkeypatch.setenv("BAYAR_BRAINTREE_MERCHANT_ACCOUNTS", given)
    with pytest.raises(BadSettings, match=f"^BAYAR_BRAINTREE_MERCHANT_ACCOUNTS {re.escape(message)}"):
        load_settings()


def test_a_currency_has_several_merchant_accounts_the_first_of_which_is_its_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BAYAR_BRAINTREE_MERCHANT_ACCOUNTS", "USD = shop | travel , IDR=b")
    accounts = read_accounts(load_settings().braintree_merchant_accounts or "")
    assert [accounts.default(currency) for currency in ("USD", "IDR", "EUR")] == ["shop", "b", ""]
    assert accounts.of("USD") == ("shop", "travel")
    assert accounts.names() == ("shop", "travel", "b")


def test_spaces_around_merchant_accounts_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYAR_BRAINTREE_MERCHANT_ACCOUNTS", " USD = a ,\n IDR=b_2,")
    assert read_accounts(load_settings().braintree_merchant_accounts or "").by_currency == {
        "USD": ("a",),
        "IDR": ("b_2",),
    }


def test_a_key_name_that_is_there_twice_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, key = ENCRYPTION_KEYS.partition(":")
    monkeypatch.setenv("BAYAR_ENCRYPTION_KEYS", f"{name}:{key.split(',')[0]},{name}:{key.split(',')[0]}")
    with pytest.raises(BadSettings, match=f"^BAYAR_ENCRYPTION_KEYS names the key {name} twice"):
        load_settings()


def test_a_page_that_says_more_is_named_as_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYAR_WORKERS", "0")
    with pytest.raises(BadSettings, match=r"See docs/operate/scale\.md\. Example: BAYAR_WORKERS=4"):
        load_settings()


def test_a_misspelled_variable_is_named_with_the_likely_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYAR_GRPC_ADRESS", "127.0.0.1:1")
    with pytest.raises(BadSettings, match=r"BAYAR_GRPC_ADRESS is no setting\. Did you mean BAYAR_GRPC_ADDRESS\?"):
        load_settings()


def test_the_twin_needs_an_address_and_a_certificate_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYAR_BRAINTREE_ENVIRONMENT", "twin")
    with pytest.raises(BadSettings, match="BAYAR_BRAINTREE_URL is missing"):
        load_settings()
    monkeypatch.setenv("BAYAR_BRAINTREE_URL", "https://127.0.0.1:8443")
    with pytest.raises(BadSettings, match="BAYAR_BRAINTREE_CA_FILE is missing"):
        load_settings()
    monkeypatch.setenv("BAYAR_BRAINTREE_CA_FILE", "/nowhere/ca.pem")
    with pytest.raises(BadSettings, match="there is no such file"):
        load_settings()


def test_the_twins_address_is_refused_outside_the_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYAR_BRAINTREE_URL", "https://127.0.0.1:8443")
    with pytest.raises(BadSettings, match="BAYAR_BRAINTREE_ENVIRONMENT=twin"):
        load_settings()


@pytest.mark.parametrize(
    ("horizon", "read_timeout", "least"), [("174", "65", "175"), ("180", "90", "200"), ("3", "1", "111")]
)
def test_an_operation_is_not_given_up_while_it_may_still_be_made(
    horizon: str, read_timeout: str, least: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAYAR_ABSENCE_HORIZON_SECONDS", horizon)
    monkeypatch.setenv("BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS", read_timeout)
    with pytest.raises(BadSettings) as raised:
        load_settings()
    assert str(raised.value).startswith(f"BAYAR_ABSENCE_HORIZON_SECONDS is {horizon}, and must be at least {least}: ")
    assert "BAYAR_BRAINTREE_READ_TIMEOUT_SECONDS" in str(raised.value)
    monkeypatch.setenv("BAYAR_ABSENCE_HORIZON_SECONDS", least)
    load_settings()


def test_no_key_is_printed() -> None:
    assert "very-private" not in repr(load_settings())


def test_the_documented_settings_are_the_settings() -> None:
    written = (ROOT / "docs" / "operate" / "configuration.md").read_text()
    assert written == page(), "run: python -m bootstrap.config.configuration_page > docs/operate/configuration.md"


def test_more_than_one_worker_needs_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYAR_WORKERS", "4")
    with pytest.raises(BadSettings, match="BAYAR_DATABASE_URL=postgresql://"):
        load_settings()
    monkeypatch.setenv("BAYAR_DATABASE_URL", "postgresql://bayar@db.example/bayar")
    assert load_settings().workers == 4
    assert load_settings(workers=2).workers == 2


@pytest.mark.parametrize(
    "key",
    [
        bytes(32),
        b"\xff" * 32,
        bytes(range(32)),
        bytes(range(64, 32, -1)),
        b"0123456789abcdef0123456789abcdef",
        b"correct horse battery staple 123",
        bytes.fromhex("00112233445566778899aabbccddeeff") * 2,
    ],
)
def test_a_key_that_nobody_drew_encrypts_nothing_but_still_opens(key: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    weak = f"old:{base64.b64encode(key).decode()}"
    monkeypatch.setenv("BAYAR_ENCRYPTION_KEYS", weak)
    with pytest.raises(BadSettings, match=r"^BAYAR_ENCRYPTION_KEYS has a current key that was not drawn at random"):
        load_settings()
    monkeypatch.setenv("BAYAR_ENCRYPTION_KEYS", f"{ENCRYPTION_KEYS},{weak}")
    assert load_settings()


def test_keys_that_were_drawn_are_good() -> None:
    assert not any(is_weak_key(os.urandom(32)) for _ in range(2_000))


def test_a_secret_of_one_character_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYAR_SECRET_KEY", "0" * 32)
    with pytest.raises(BadSettings, match=r"^BAYAR_SECRET_KEY was not drawn at random"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BAYAR_JWT_JWKS", "http://127.0.0.1:80@idp.test/jwks"),
        ("BAYAR_JWT_JWKS", "https://user:pass@idp.test/jwks"),
        ("BAYAR_JWT_JWKS", "https://127.0.0.1\\@idp.test/jwks"),
        ("BAYAR_JWT_JWKS", "http://idp.test/jwks"),
        ("BAYAR_JWT_JWKS", "HTTP://idp.test/jwks"),
        ("BAYAR_JWT_JWKS", "https:///jwks"),
        ("BAYAR_JWT_JWKS", "https://idp.test /jwks"),
        ("BAYAR_JWT_JWKS", "ftp://idp.test/jwks"),
        ("BAYAR_BRAINTREE_URL", "https://127.0.0.1:8443@evil.test"),
        ("BAYAR_BRAINTREE_URL", "https://evil.test/path"),
        ("BAYAR_OTLP_ENDPOINT", "jaeger:4318"),
        ("BAYAR_OTLP_ENDPOINT", "grpc://jaeger:4317"),
        ("BAYAR_OTLP_ENDPOINT", "http://user:secret@jaeger:4318"),
    ],
)
def test_an_address_that_readers_could_take_for_another_is_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match=f"^{name} must be "):
        load_settings()


def test_traces_without_their_packages_are_refused_with_the_command_that_installs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BAYAR_OTLP_ENDPOINT", "http://jaeger:4318/")
    assert load_settings().otlp_endpoint == "http://jaeger:4318"
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    with pytest.raises(BadSettings, match=r"^BAYAR_OTLP_ENDPOINT needs .*pip install 'bayar-service\[traces\]'"):
        load_settings()


def test_the_variables_of_kubernetes_services_are_known_for_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "BAYAR_SERVICE_HOST": "10.0.0.11",
        "BAYAR_SERVICE_PORT": "50051",
        "BAYAR_SERVICE_PORT_GRPC": "50051",
        "BAYAR_PORT": "tcp://10.0.0.11:50051",
        "BAYAR_PORT_50051_TCP": "tcp://10.0.0.11:50051",
        "BAYAR_PORT_50051_TCP_PROTO": "tcp",
        "BAYAR_PORT_50051_TCP_PORT": "50051",
        "BAYAR_PORT_50051_TCP_ADDR": "10.0.0.11",
        "BAYAR_BACKGROUND_SERVICE_HOST": "10.0.0.12",
        "BAYAR_BACKGROUND_PORT_8080_TCP": "tcp://10.0.0.12:8080",
    }.items():
        monkeypatch.setenv(name, value)
    load_settings()
    monkeypatch.setenv("BAYAR_GRPC_PORTS", "50051")
    with pytest.raises(BadSettings, match=r"^BAYAR_GRPC_PORTS is no setting"):
        load_settings()
