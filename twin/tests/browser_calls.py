"""Calls the client API as braintree-web does."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlencode

import braintree
from twin_sdk import VISA

from braintree_twin.testing import Twin


class Browser:
    """Calls the client API as braintree-web does, by the addresses in a client token."""

    def __init__(self, twin: Twin, gateway: braintree.BraintreeGateway, **token: Any) -> None:
        self._twin = twin
        self.config = decode(gateway.client_token.generate(dict(token)))
        self.fingerprint = self.config["authorizationFingerprint"]

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, http.client.HTTPMessage]:
        context = ssl.create_default_context(cafile=str(self._twin.ca_file))
        connection = http.client.HTTPSConnection(self._twin.host, self._twin.port, timeout=5, context=context)
        text = body if isinstance(body, bytes) or body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if response.headers["Content-Encoding"] == "gzip":
            content = gzip.decompress(content)
        return response.status, json.loads(content) if content else None, response.headers

    def page(self, method: str, url: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Ask for a page, or post a form to it: its status, its text, and the address that it leads to."""
        context = ssl.create_default_context(cafile=str(self._twin.ca_file))
        connection = http.client.HTTPSConnection(self._twin.host, self._twin.port, timeout=5, context=context)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        connection.request(method, url.removeprefix(self._twin.url), urlencode(form) if form else None, headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text, response.headers["Location"] or ""

    def client_api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        base = self.config["clientApiUrl"].removeprefix(self._twin.url)
        if body is not None:
            body = {"authorizationFingerprint": self.fingerprint, **body}
        else:
            path = f"{path}?authorizationFingerprint={self.fingerprint}"
        status, content, _ = self.ask(method, f"{base}/v1/{path}", body)
        return status, content

    def tokenize(self, **card: Any) -> tuple[int, Any]:
        fields = {"number": VISA, "expirationMonth": "11", "expirationYear": "2099", **card}
        return self.client_api("POST", "payment_methods/credit_cards", {"creditCard": fields})

    def nonce(self, **card: Any) -> str:
        status, content = self.tokenize(**card)
        assert status in (201, 202), content
        return str(content["creditCards"][0]["nonce"])

    def graph(self, card: dict[str, Any], **options: Any) -> Any:
        query = (
            "mutation TokenizeCreditCard($input: TokenizeCreditCardInput!) "
            "{ tokenizeCreditCard(input: $input) { token creditCard { bin last4 brandCode } } }"
        )
        return self.graph_query(query, {"input": {"creditCard": card, "options": options}})

    def graph_query(self, query: str, variables: dict[str, Any] | None = None) -> Any:
        body = {"query": query, "variables": variables or {}}
        url = self.config["graphQL"]["url"].removeprefix(self._twin.url)
        status, content, _ = self.ask("POST", url, body, {"Authorization": f"Bearer {self.fingerprint}"})
        assert status == 200
        return content


def decode(token: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(token if token.startswith("{") else base64.b64decode(token))
    return content
