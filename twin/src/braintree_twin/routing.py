"""Finds the route of a path below /merchants/{merchant_id}."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from braintree_twin.calls import Route

PREFIX = "/merchants/"
# A path of no merchant, though it looks like one.
CREATED_MERCHANTS = "/merchants/create_via_api"
# Its paths may end in .json.
CLIENT_API = "/client_api/"


@dataclass(frozen=True, slots=True)
class Match:
    route: Route
    name: str
    # The values of the route's {name} segments.
    values: dict[str, str]


def split_merchant(path: str) -> tuple[str | None, str]:
    """Split a path into the merchant id and the rest."""
    if not path.startswith(PREFIX) or path == CREATED_MERCHANTS:
        return None, path
    merchant_id, slash, rest = path[len(PREFIX) :].partition("/")
    return unquote(merchant_id), slash + rest


class Router:
    """Finds the route of a request. Fixed segments win over `{name}`, in any order of the routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._fixed: dict[tuple[str, str], Route] = {}
        self._patterns: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}
        for route in routes:
            segments = route.path.split("/")
            if "{" in route.path:
                self._patterns.setdefault((route.method, len(segments)), []).append((segments, route))
            else:
                self._fixed[route.method, route.path] = route

    def match(self, method: str, path: str) -> Match | None:
        _, below = split_merchant(path)
        below = below.rstrip("/")
        if below.startswith(CLIENT_API):
            below = below.removesuffix(".json")
        fixed = self._fixed.get((method, below))
        if fixed:
            return Match(fixed, f"{method} {fixed.path}", {})
        segments = below.split("/")
        for wanted, route in self._patterns.get((method, len(segments)), ()):
            values = _fit(wanted, segments)
            if values is not None:
                return Match(route, f"{method} {route.path}", values)
        return None


def _fit(wanted: list[str], segments: list[str]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for want, segment in zip(wanted, segments, strict=True):
        if want.startswith("{"):
            values[want[1:-1]] = unquote(segment)
        elif want != segment:
            return None
    return values
