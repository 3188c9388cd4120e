"""Requests of browsers in other forms than a JSON body: nested fields in a query, and JSONP."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from braintree_twin.errors import MalformedRequest
from braintree_twin.http_messages import Request, Response

_CALLBACK = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.]{0,199}", re.ASCII)
_PART = re.compile(r"\[([^\[\]]*)\]")
_OF_JSONP = ("callback", "_method")
_METHODS = ("GET", "POST", "PUT", "DELETE")
MAX_FIELDS, MAX_NESTING = 500, 20


def read_query(query: str) -> dict[str, Any]:
    """The fields of a query, nested as their names say: creditCard[number]=4111 is a card with a number.

    Raises MalformedRequest if one name is a text and a section, or if there are too many.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    if len(pairs) > MAX_FIELDS:
        raise MalformedRequest("the query has too many fields")
    fields: dict[str, Any] = {}
    for name, value in pairs:
        _insert(fields, [name.partition("[")[0], *_PART.findall(name)], value)
    return fields


def _insert(fields: dict[str, Any], path: list[str], value: str) -> None:
    if len(path) > MAX_NESTING:
        raise MalformedRequest("the query is nested too deeply")
    *sections, last = path
    level = fields
    for section in sections:
        level = level.setdefault(section, {})
        if not isinstance(level, dict):
            raise MalformedRequest(f"{section} is a text and a section")
    level[last] = value


def is_jsonp(request: Request) -> bool:
    return request.method == "GET" and any(
        name == "callback" for name, _ in parse_qsl(request.query, keep_blank_values=True)
    )


def unwrapped(request: Request) -> tuple[Request, str]:
    """The request that a JSONP request stands for, and the name of its callback.

    `_method` in the query is its method. Raises MalformedRequest for a callback that is no name of a function.
    """
    fields = read_query(request.query)
    callback, method = str(fields.pop("callback", "")), str(fields.pop("_method", "GET")).upper()
    if not _CALLBACK.fullmatch(callback) or method not in _METHODS:
        raise MalformedRequest("callback must be the name of a function, and _method one of HTTP's methods")
    plain = {name: text for name, text in request.headers.items() if name != "accept-encoding"}
    body = b"" if method == "GET" else json.dumps(fields).encode()
    headers = {**plain, "content-type": "application/json"}
    own = [pair for pair in parse_qsl(request.query, keep_blank_values=True) if pair[0] not in _OF_JSONP]
    return replace(request, method=method, query=urlencode(own), headers=headers, body=body), callback


def wrapped(response: Response, callback: str) -> Response:
    """The answer as a script that calls the function: always a 200, with the real status in the field `status`."""
    try:
        content = json.loads(response.body or b"{}")
    except ValueError:
        content = {}
    content = {**content, "status": response.status} if isinstance(content, dict) else content
    script = f"/**/{callback}({json.dumps(content)})"
    headers = {"Content-Type": "text/javascript; charset=utf-8"}
    return Response(200, script.encode(), headers, route=response.route, framed=True)
