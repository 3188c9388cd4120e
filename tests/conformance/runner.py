"""Runs conformance cases with the Python clients.

`python -m tests.conformance.runner` reads the line of `tests.conformance.serve` from its standard input, and runs all.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date
from pathlib import Path
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from bayar import AsyncBayarClient, BayarClient, BayarError, RetryPolicy, card
from bayar.modeling import Model
from bayar.payments.v1.card_pb2 import Card
from bayar.payments.v1.customer_service_pb2 import UpdateCustomerRequest
from bayar.payments.v1.dispute_service_pb2 import EvidenceFile
from bayar.payments.v1.payment_method_service_pb2 import PaymentConsents
from bayar.payments.v1.payment_service_pb2 import PaymentFilter, PaymentSearchFields
from tests.conformance.contract import METHODS
from tests.conformance.matching import Case, Variables, mismatches


@dataclass(slots=True)
class Outcome:
    """The result of a call, in proto JSON."""

    answer: dict[str, Any] | None = None
    items: list[Any] = field(default_factory=list)
    error: dict[str, Any] | None = None

    def problems(self, expected: Mapping[str, Any]) -> Iterator[str]:
        """Where it is not as the case expects it."""
        if self.error is not None and "error" not in expected:
            yield f"An unexpected error came: {self.error}"
        if "answer" in expected:
            yield from mismatches(expected["answer"], self.answer)
        if "items" in expected:
            yield from mismatches(expected["items"], self.items, "items")
        if "error" in expected:
            yield from self._problems_of_error(dict(expected["error"]))

    def _problems_of_error(self, expected: dict[str, Any]) -> Iterator[str]:
        if self.error is None:
            yield f"No error came, but {self.answer or self.items}"
            return
        if "violations" in expected:
            expected["violations"] = sorted(expected["violations"])
        yield from mismatches(expected, self.error, "error")


class Runner:
    """Runs cases one by one against the servers of `python -m tests.conformance.serve`."""

    def __init__(self, told: Mapping[str, str], client_type: Callable[..., Any] = BayarClient) -> None:
        self._told = told
        self._client_type = client_type

    def cases(self) -> list[Case]:
        """Every case, as the control side lists it."""
        return [Case.from_json(each) for each in self._control("/cases")]

    def problems(self, case: Case) -> list[str]:
        """Runs one case. Empty where all is as expected."""
        self._control("/begin", {"case": case.id})
        with _Clients(self._open) as clients:
            problems = list(self._run(case, clients))
            problems += self._control("/end", {"case": case.id})["problems"]
            return problems

    def _run(self, case: Case, clients: _Clients) -> Iterator[str]:
        variables = Variables()
        for number, step in enumerate(case.content["steps"], 1):
            if "settle" in step:
                self._control("/settle", {})
                continue
            outcome = perform(clients.of(case.server, step.get("options", {})), step, variables)
            expected = variables.fill(step["expect"])
            found = [f"Step {number}, {step['call']}: {problem}" for problem in outcome.problems(expected)]
            yield from found
            if found:
                return
            variables.save(step.get("save", {}), outcome.answer or {})

    def _open(self, server: str, options: Mapping[str, Any]) -> Any:
        more: dict[str, Any] = {}
        if "attempts" in options:
            more["retry"] = RetryPolicy(attempts=options["attempts"])
        if "timeout_seconds" in options:
            more["timeout_seconds"] = options["timeout_seconds"]
        return self._client_type(
            self._told[server],
            credential=options.get("credential", self._told["api_key"]),
            root_certificates=Path(self._told["root_certificates"]).read_bytes(),
            language=options.get("language", ""),
            **more,
        )

    def _control(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        # The control side is an address of this machine.
        with urllib.request.urlopen(self._told["control"] + path, data, timeout=30) as answer:  # noqa: S310
            return json.load(answer)


class _Clients(AbstractContextManager["_Clients"]):
    """The clients of one case: one for each set of options."""

    def __init__(self, open_client: Callable[[str, Mapping[str, Any]], Any]) -> None:
        self._open = open_client
        self._clients: dict[str, Any] = {}

    def of(self, server: str, options: Mapping[str, Any]) -> Any:
        key = json.dumps(options, sort_keys=True)
        if key not in self._clients:
            self._clients[key] = self._open(server, options)
        return self._clients[key]

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()


class Waiting:
    """The asyncio client with the methods of the other one: each waits in an event loop of its own."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = AsyncBayarClient(*arguments, **more)

    def close(self) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            result = getattr(self._client, name)(**arguments)
            if asyncio.iscoroutine(result):
                return self._loop.run_until_complete(result)
            return self._items(result)

        return call

    def _items(self, result: Any) -> Iterator[Any]:
        try:
            with contextlib.suppress(StopAsyncIteration):
                while True:
                    yield self._loop.run_until_complete(anext(result))
        finally:
            self._loop.run_until_complete(result.aclose())


def perform(client: Any, step: Mapping[str, Any], variables: Variables) -> Outcome:
    """Makes the call of one step through the client."""
    outcome = Outcome()
    arguments = arguments_of(step["call"], variables.fill(step["request"]))
    options = step.get("options", {})
    if METHODS[step["call"]].server_streaming and "timeout_seconds" in options:
        arguments["timeout_seconds"] = options["timeout_seconds"]
    arguments |= {name: options[name] for name in ("on_behalf_of", "reason") if name in options}
    try:
        result = getattr(client, method_name(step["call"]))(**arguments)
        if isinstance(result, Iterator):
            for item in itertools.islice(result, step.get("take")):
                outcome.items.append(item_as_json(step["call"], item))
        else:
            outcome.answer = answer_as_json(step["call"], result)
    except BayarError as error:
        outcome.error = error_as_json(error)
    return outcome


def method_name(call: str) -> str:
    """`create_payment` for CreatePayment."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in call).removeprefix("_")


def arguments_of(call: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of a client's method, for a request in proto JSON."""
    request = json_format.ParseDict(dict(content), GetMessageClass(METHODS[call].input_type)())
    if isinstance(request, UpdateCustomerRequest):
        changes = {path: getattr(request.customer, path) for path in request.update_mask.paths}
        given = {"request_id": request.request_id} if request.request_id else {}
        return {"customer_id": request.customer.customer_id, **changes, **given}
    return dict(_arguments(request, content))


def _arguments(request: Message, content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields that the content names, also those that it sets to their defaults."""
    for name in content:
        match value := getattr(request, name):
            case PaymentFilter() | PaymentSearchFields():
                yield from _arguments(value, content[name])
            case PaymentConsents():
                yield name, list(value.initiators)
            case EvidenceFile():
                yield "file_name", value.name
                yield "file_content", value.content
            case Card():
                yield name, card(**dict(_arguments(value, content[name])))
            case Timestamp():
                yield name, value.ToDatetime(UTC)
            case str() if name.endswith("_date"):
                yield name, date.fromisoformat(value)
            case _:
                yield name, value


# The client gives the rows one by one; the elements of a list come as they are.
_PLAIN_ITEMS: Final = ("ExportMovements", "ExportPayments")


def item_as_json(call: str, item: Any) -> Any:
    """An item of a list as it is; an item of a stream as the message that carried it."""
    if METHODS[call].server_streaming and call not in _PLAIN_ITEMS:
        return answer_as_json(call, item)
    return _as_json(item)


def answer_as_json(call: str, result: Any) -> dict[str, Any]:
    """The response message that the client took the result from."""
    response = METHODS[call].output_type
    if isinstance(result, str | int):
        return {response.fields[0].name: result}
    described = result.MESSAGE.DESCRIPTOR
    if described is response:
        return _as_json(result)
    name = next(field.name for field in response.fields if field.message_type is described)
    return {name: _as_json(result)}


def _as_json(result: Model) -> dict[str, Any]:
    return json_format.MessageToDict(result.to_message(), preserving_proto_field_name=True)


def error_as_json(error: BayarError) -> dict[str, Any]:
    """Everything that an error tells."""
    return {
        "code": error.code.name,
        "reason": error.reason,
        "message": error.message,
        "localized_message": error.localized_message,
        "violations": sorted(violation.field for violation in error.violations),
        "metadata": dict(error.metadata),
        "retry_after_seconds": error.retry_after_seconds,
        "outcome_unknown": error.outcome_unknown,
    }


def main() -> int:
    told = json.loads(sys.stdin.readline())
    count, problems = 0, []
    for client_type in (BayarClient, Waiting):
        runner = Runner(told, client_type)
        for case in runner.cases():
            count += 1
            problems += [f"{client_type.__name__}, {case.id}: {problem}" for problem in runner.problems(case)]
    sys.stdout.write("\n".join([*problems, f"{count} cases, {len(problems)} problems", ""]))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
