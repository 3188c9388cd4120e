"""The tokens that are accepted, and their callers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from adapters.tokens.jwks import Jwks, JwksUnavailable
from adapters.tokens.jwt_tokens import JwtTokens
from application.common.caller import Caller, Scope
from application.common.errors import AuthFailure, CredentialsUnavailable, NotAuthenticated
from application.common.operator import Operator
from domain.ids import CallerId, CustomerId, OperatorId
from tests import token_issuer as issuer
from tests.fakes.runtime import START
from tests.token_issuer import AUDIENCE, EC_KEY, ISSUER, JWKS, RSA_KEY, confused, jwk, token, unsigned

CUSTOMER = "cus_" + "0" * 26


class Source:
    """Where keys are fetched from."""

    def __init__(self, document: Any = None) -> None:
        self.document = JWKS if document is None else document
        self.asked = 0
        self.seconds = 0.0

    def fetch(self, _: str) -> bytes:
        self.asked += 1
        if self.document == "down":
            raise JwksUnavailable("it is down")
        return json.dumps(self.document).encode()

    def tokens(self, caller_claim: str = "caller_id") -> JwtTokens:
        jwks = Jwks("https://login.test/jwks", self.fetch, lambda: self.seconds)
        return JwtTokens(jwks, ISSUER, AUDIENCE, caller_claim)

    def people(self, operator_claim: str) -> JwtTokens:
        jwks = Jwks("https://login.test/jwks", self.fetch, lambda: self.seconds)
        return JwtTokens(jwks, ISSUER, AUDIENCE, operator_claim=operator_claim, find_operator={SITI.login: SITI}.get)


def refusal(text: str, source: Source | None = None) -> AuthFailure:
    with pytest.raises(NotAuthenticated) as caught:
        (source or Source()).tokens().caller_of(text)
    return caught.value.refusal


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_good_token_says_who_calls(algorithm: str) -> None:
    scopes = frozenset({Scope.PAYMENTS_READ, Scope.PAYMENTS_WRITE})
    assert Source().tokens().caller_of(token(algorithm)) == Caller(CallerId("shop"), scopes, None, "token user-42")


def test_a_token_of_a_customer_is_bound_and_never_an_administrators() -> None:
    caller = Source().tokens().caller_of(token(customer=CUSTOMER, scope="admin payments:read"))
    assert caller.customer_id == CustomerId(CUSTOMER)
    assert caller.scopes == {Scope.PAYMENTS_READ}


def test_the_claim_that_names_the_caller_is_the_operators_choice() -> None:
    assert Source().tokens("azp").caller_of(token(azp="web", caller_id=None)).caller_id == "web"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: token(exp=int(time.time()) - 31), AuthFailure.EXPIRED),
        (lambda: token(nbf=int(time.time()) + 3600), AuthFailure.NOT_YET_VALID),
        (lambda: token(iss="https://login.evil/"), AuthFailure.WRONG_ISSUER),
        (lambda: token(aud="another-service"), AuthFailure.WRONG_AUDIENCE),
        (lambda: token(exp=None), AuthFailure.INCOMPLETE),
        (lambda: token(iss=None), AuthFailure.INCOMPLETE),
        (lambda: token(aud=None), AuthFailure.INCOMPLETE),
        (lambda: token(caller_id=None), AuthFailure.INCOMPLETE),
        (lambda: token(caller_id="shop/key_1"), AuthFailure.INCOMPLETE),
        (lambda: token(scope=["payments:read"]), AuthFailure.INCOMPLETE),
        (lambda: token(customer=""), AuthFailure.INCOMPLETE),
        (lambda: token(customer=["cus"]), AuthFailure.INCOMPLETE),
        (lambda: token(key_id="unknown"), AuthFailure.INVALID),
        (lambda: token("ES256", key_id="rsa"), AuthFailure.INVALID),
        (lambda: token()[:-4] + "AAAA", AuthFailure.INVALID),
        (lambda: unsigned(), AuthFailure.INVALID),
        (lambda: confused(), AuthFailure.INVALID),
        (lambda: jwt.encode(issuer.claims(), RSA_KEY, "PS256", headers={"kid": "rsa"}), AuthFailure.INVALID),
        (lambda: jwt.encode(issuer.claims(), RSA_KEY, "RS256"), AuthFailure.INVALID),
        (lambda: "a.b.c", AuthFailure.INVALID),
        (lambda: "x" * 9000, AuthFailure.INVALID),
    ],
)
def test_a_bad_token_is_refused_with_the_reason(make: Callable[[], str], why: AuthFailure) -> None:
    assert refusal(make()) is why


def test_a_token_that_has_just_expired_is_taken_for_clocks_differ() -> None:
    assert Source().tokens().caller_of(token(exp=int(time.time()) - 10)).caller_id == "shop"


def test_a_customer_claim_that_is_null_is_not_taken_for_every_customer() -> None:
    text = jwt.encode({**issuer.claims(), "customer": None}, RSA_KEY, "RS256", headers={"kid": "rsa"})
    assert refusal(text) is AuthFailure.INCOMPLETE


@pytest.mark.parametrize(
    "entry",
    [
        jwk(rsa.generate_private_key(65537, 1024), "weak"),  # noqa: S505 (that is the point)
        jwk(ec.generate_private_key(ec.SECP384R1()), "weak"),
        jwk(RSA_KEY, "weak", use="enc"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "weak"},
        {"kty": "RSA", "kid": "weak"},
    ],
)
def test_a_key_that_is_too_weak_or_for_something_else_verifies_nothing(entry: dict[str, Any]) -> None:
    jwks = Jwks("", Source({"keys": [entry, *JWKS["keys"]]}).fetch)
    assert [jwks.find("weak", algorithm) for algorithm in ("RS256", "ES256", "EdDSA", "HS256")] == [None] * 4
    assert jwks.find("rsa", "RS256") is not None


def test_keys_are_kept_and_a_new_one_is_asked_for_at_once() -> None:
    source = Source({"keys": [jwk(RSA_KEY, "rsa")]})
    tokens = source.tokens()
    for _ in range(3):
        tokens.caller_of(token())
    assert source.asked == 1
    source.document = {"keys": [jwk(EC_KEY, "ec")]}
    source.seconds = 11
    assert tokens.caller_of(token("ES256")).caller_id == "shop"
    assert source.asked == 2
    with pytest.raises(NotAuthenticated):
        tokens.caller_of(token())


def test_unknown_key_ids_do_not_make_the_service_ask_and_ask() -> None:
    source = Source()
    tokens = source.tokens()
    for number in range(50):
        with pytest.raises(NotAuthenticated):
            tokens.caller_of(token(key_id=f"unknown-{number}"))
    assert source.asked == 1
    source.seconds = 11
    for number in range(50):
        with pytest.raises(NotAuthenticated):
            tokens.caller_of(token(key_id=f"unknown-{number}"))
    assert source.asked == 2


def test_keys_stay_good_while_the_issuer_is_down_and_a_revoked_one_goes_when_it_is_back() -> None:
    source = Source()
    tokens = source.tokens()
    tokens.caller_of(token())
    source.document, source.seconds = "down", 601
    assert tokens.caller_of(token()).caller_id == "shop"
    source.document, source.seconds = {"keys": [jwk(EC_KEY, "ec")]}, 612
    with pytest.raises(NotAuthenticated):
        tokens.caller_of(token())


@pytest.mark.parametrize("document", ["down", "nonsense", {"keys": "nonsense"}, []])
def test_without_any_keys_nobody_is_taken_for_an_impostor(document: Any) -> None:
    with pytest.raises(CredentialsUnavailable):
        Source(document).tokens().caller_of(token())


def test_keys_come_from_a_file_or_an_address(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(JWKS))
    assert JwtTokens(Jwks(str(path)), ISSUER, AUDIENCE).caller_of(token()).caller_id == "shop"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/jwks" else 500)
            self.end_headers()
            self.wfile.write(path.read_bytes())

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}"
        assert JwtTokens(Jwks(f"{base}/jwks"), ISSUER, AUDIENCE).caller_of(token()).caller_id == "shop"
        with pytest.raises(CredentialsUnavailable):
            JwtTokens(Jwks(f"{base}/gone"), ISSUER, AUDIENCE).caller_of(token())
        server.shutdown()
        thread.join()
    for nowhere in (f"{base}/jwks", str(tmp_path / "missing")):
        with pytest.raises(CredentialsUnavailable):
            JwtTokens(Jwks(nowhere), ISSUER, AUDIENCE).caller_of(token())


def test_a_card_number_in_a_subject_is_not_kept() -> None:
    caller = Source().tokens().caller_of(token(sub="4012-8888-8888-1881"))
    assert caller.actor == "shop/token [removed]"


def test_a_subject_is_never_taken_for_a_key_or_a_certificate() -> None:
    key_id = "key_01kb00000000000000000000te"
    for subject in (key_id, "certificate ab12", f"{key_id}\n", ""):
        caller = Source().tokens().caller_of(token(sub=subject))
        assert caller.actor.startswith("shop/token")
        assert caller.actor != f"shop/{subject}"


# Operators.

SITI = Operator(
    operator_id=OperatorId("opr_siti"), name="Siti", rights=frozenset(), create_time=START, login="siti@example.com"
)


def test_a_token_with_an_operators_login_is_the_operators() -> None:
    person = token(caller_id=None, scope="admin payments:write", email="siti@example.com", email_verified=True)
    caller = Source().people("email").caller_of(person)
    assert caller == Caller(CallerId("opr_siti"), credential="token user-42", operator=SITI)


def test_a_token_with_a_caller_is_never_an_operators() -> None:
    caller = Source().people("email").caller_of(token(email="siti@example.com", email_verified=True))
    assert (caller.caller_id, caller.operator) == ("shop", None)


REFUSED: Final[dict[str, tuple[str, dict[str, Any], AuthFailure]]] = {
    "another login": ("email", {"email": "eve@example.com", "email_verified": True}, AuthFailure.INVALID),
    "an operator's id": ("email", {"email": "opr_siti", "email_verified": True}, AuthFailure.INVALID),
    "unverified": ("email", {"email": "siti@example.com", "email_verified": False}, AuthFailure.INCOMPLETE),
    "not said": ("email", {"email": "siti@example.com"}, AuthFailure.INCOMPLETE),
    "verified in words": ("email", {"email": "siti@example.com", "email_verified": "true"}, AuthFailure.INCOMPLETE),
    "no login": ("email", {}, AuthFailure.INCOMPLETE),
    "no text": ("upn", {"upn": ["siti@example.com"]}, AuthFailure.INCOMPLETE),
    "no claim chosen": ("", {"email": "siti@example.com", "email_verified": True}, AuthFailure.INCOMPLETE),
}


@pytest.mark.parametrize("name", REFUSED)
def test_any_other_token_without_a_caller_is_refused(name: str) -> None:
    claim, held, why = REFUSED[name]
    with pytest.raises(NotAuthenticated) as caught:
        Source().people(claim).caller_of(token(caller_id=None, **held))
    assert caught.value.refusal is why
