"""Writes docs/fields.md: every call, and what the twin does with each of its fields.

python -m braintree_twin.coverage docs/fields.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from graphql import GraphQLInputObjectType, GraphQLObjectType

from braintree_twin.calls import Route
from braintree_twin.graphql_api import endpoint as graphql_api
from braintree_twin.graphql_api.read_inputs import FACTS
from braintree_twin.request_schema import Effect, Schema
from braintree_twin.resources import ROUTES as XML_ROUTES

HEAD = """# The calls and their fields

Written by `python -m braintree_twin.coverage`; a test compares it with the code. What stands in no table is unknown
to the twin: it is named in the log and in `/_twin/requests`, and refused with `--strict`.

- Acted on: the field has the effect, or is shown in the answer, as the reference says.
- Checked: an invalid value is refused; a valid one has no effect.
- Without effect: the field is accepted, and dropped.

Fields of which the gateway shows no effect either, such as facts about a browser, count as acted on.
"""
ROUTES = (*XML_ROUTES, *graphql_api.ROUTES)
EFFECTS = (Effect.ACTED_ON, Effect.CHECKED, Effect.NO_EFFECT)
Row = tuple[str, dict[Effect, list[str]]]


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for routes, takes in _by_fields():
        parts.append("## " + ", ".join(f"{route.method} {route.path}" for route in routes) + "\n")
        parts += _queries(routes)
        rows = [row for root, known in takes.items() for row in _rows(root, known)]
        if rows:
            parts.append(_table(rows))
    parts.append("## Calls without fields\n")
    parts.append("\n".join(f"- {route.method} {route.path}" for route in ROUTES if _has_no_fields(route)) + "\n")
    parts.append("## Calls whose fields are not listed\n")
    parts.append("GraphQL, whose schema is below, uploads, and the pages and forms of browsers.\n")
    parts.append("\n".join(f"- {route.method} {route.path}" for route in ROUTES if route.takes is None) + "\n")
    parts += _graph()
    return "\n".join(parts)


def _has_no_fields(route: Route) -> bool:
    return route.takes is not None and not route.takes and not route.query


def _by_fields() -> Iterator[tuple[list[Route], dict[str, Schema]]]:
    """The calls that take fields; those that take the same ones stand together."""
    left = [route for route in ROUTES if route.takes is not None and not _has_no_fields(route)]
    while left:
        first = left[0]
        alike = [route for route in left if (route.takes, route.query) == (first.takes, first.query)]
        left = [route for route in left if route not in alike]
        yield alike, dict(first.takes or {})


def _queries(routes: list[Route]) -> list[str]:
    names = sorted(routes[0].query)
    return ["In the query: " + ", ".join(f"`{name}`" for name in names) + "\n"] if names else []


def _rows(path: str, known: Schema) -> Iterator[Row]:
    names: dict[Effect, list[str]] = {effect: [] for effect in EFFECTS}
    for name, effect in known.effects.items():
        names[effect].append(name)
    if known.any_name:
        names[known.any_name].append("any name")
    if any(names.values()):
        yield path, names
    for name, section in known.sections.items():
        yield from _rows(f"{path}.{name}", section)


def _graph() -> list[str]:
    """What GraphQL serves: each query, mutation and search, and the fields of each input."""
    types = graphql_api.SCHEMA.type_map
    calls = ["| Call | Takes | Answers |", "|---|---|---|"]
    for kind in ("Query", "Mutation", "Search"):
        for name, field in sorted(cast("GraphQLObjectType", types[kind]).fields.items()):
            takes = ", ".join(f"{each}: {argument.type}" for each, argument in field.args.items())
            shown = f"search.{name}" if kind == "Search" else name
            calls.append(f"| `{shown}` | {takes} | {field.type} |")
    inputs = ["| Input | Fields |", "|---|---|"]
    for name, known in sorted(types.items()):
        if isinstance(known, GraphQLInputObjectType):
            inputs.append(f"| `{name}` | {' '.join(sorted(known.fields))} |")
    without = " ".join(f"`{path}`" for path in sorted(FACTS))
    return [
        "## GraphQL\n",
        "A field of an input that no resolver reads is named in the log as well, and any that the schema refuses.\n",
        "\n".join(calls) + "\n",
        "\n".join(inputs) + "\n",
        f"Facts of which the gateway shows no effect either: {without}.\n",
    ]


def _table(rows: list[Row]) -> str:
    lines = ["| Below | Acted on | Checked | Without effect |", "|---|---|---|---|"]
    for path, names in rows:
        cells = [" ".join(sorted(names[effect])) for effect in EFFECTS]
        lines.append(f"| `{path}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
