"""Writes the methods of the clients from the functions of bayar/requests.py."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).resolve().parents[1] / "src" / "bayar"
_PROTOS: Final = Path(__file__).resolve().parents[3] / "proto" / "bayar" / "payments" / "v1"
_NOTICE: Final = "Written by `make proto` from bayar/requests.py; change that instead."
_MODULE_OF_LIKE: Final = {
    "Address": "address_pb2",
    "CaptureMode": "payment_pb2",
    "CheckoutLine": "checkout_pb2",
    "CheckoutMethod": "checkout_pb2",
    "CheckoutState": "checkout_pb2",
    "DisputeState": "dispute_pb2",
    "EventType": "event_pb2",
    "ManualResolution": "admin_service_pb2",
    "Money": "money_pb2",
    "MovementKind": "movement_pb2",
    "OrphanPolicy": "admin_service_pb2",
    "PaymentFunds": "payment_pb2",
    "PaymentState": "payment_pb2",
    "StatementDescriptor": "payment_pb2",
    "ExternalVault": "payment_initiator_pb2",
    "PaymentCheck": "payment_pb2",
    "PaymentInitiator": "payment_initiator_pb2",
    "SeriesPosition": "payment_initiator_pb2",
    "GuestContact": "customer_pb2",
    "OrderDetails": "order_details_pb2",
    "ShippingMethod": "order_details_pb2",
    "ThreeDSecure": "three_d_secure_pb2",
    "WebhookNotificationState": "admin_service_pb2",
}
_MESSAGES: Final = {
    "Address",
    "Money",
    "CheckoutLine",
    "ExternalVault",
    "GuestContact",
    "OrderDetails",
    "StatementDescriptor",
    "ThreeDSecure",
}
_ACT: Final = 'on_behalf_of: str = "", reason: str = ""'
# The request has a field of that name, which serves as the reason.
_ACT_WITH_REASON: Final = 'on_behalf_of: str = ""'
_ON_BEHALF: Final = re.compile(r"rpc (\w+)\([^}]*?operator_right\) = OPERATOR_RIGHT_(\w+);")
_NO_ACTS: Final = {"READ"}
_LIMITS: Final = "timeout_seconds: float | None = None, retry: RetryPolicy | None = None"


@dataclass(frozen=True, slots=True)
class Method:
    """One public function of requests.py. `kind` is Unary, Pages or Stream; `message` and `model` are its results."""

    name: str
    arguments: str
    names: tuple[str, ...]
    kind: str
    message: str
    model: str
    docstring: str
    service: str
    rpc: str


def methods() -> list[Method]:
    """In the order of the file, with the service that each calls."""
    text = (PACKAGE / "requests.py").read_text("utf-8")
    functions = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef))
    return [_method(node) for node in functions if not node.name.startswith("_")]


def _method(node: ast.FunctionDef) -> Method:
    service = re.search(r"'(\w+)Service/(\w+)'", ast.unparse(node))
    if not isinstance(node.returns, ast.Subscript) or not isinstance(node.returns.slice, ast.Tuple) or service is None:
        raise ValueError(f"{node.name} is to return Unary, Pages or Stream of two types, and to name an RPC.")
    message, model = (ast.unparse(each) for each in node.returns.slice.elts)
    return Method(
        name=node.name,
        arguments=ast.unparse(node.args).removeprefix("*").removeprefix(", "),
        names=tuple(each.arg for each in node.args.kwonlyargs),
        kind=ast.unparse(node.returns.value),
        message=message,
        model=model,
        docstring=ast.get_docstring(node, clean=False) or "",
        service=service[1],
        rpc=service[2],
    )


@cache
def _acts() -> frozenset[str]:
    """The calls that an operator makes on behalf of a caller."""
    texts = [path.read_text("utf-8") for path in _PROTOS.glob("*_service.proto")]
    found = [match.groups() for text in texts for match in _ON_BEHALF.finditer(text)]
    return frozenset(rpc for rpc, right in found if right not in _NO_ACTS)


def _act(method: Method) -> tuple[str, str]:
    """The keywords of an act, and the metadata that they become."""
    if method.rpc not in _acts():
        return "", ""
    if "reason" in method.names:
        return _ACT_WITH_REASON, ", act_metadata(on_behalf_of)"
    return _ACT, ", act_metadata(on_behalf_of, reason)"


def client_source() -> str:
    """The text of bayar/client.py."""
    head = _head("The client: every call of the contract as a method.", "Iterator", "client_base", "ClientBase")
    doc = _class_docstring("client_base.py")
    return head + f'\n\nclass BayarClient(ClientBase):\n    """{doc}"""\n' + _bodies(_sync)


def async_client_source() -> str:
    """The text of bayar/async_client.py."""
    head = _head(
        "The asyncio client: every call of the contract as a method.",
        "AsyncGenerator",
        "async_client_base",
        "AsyncClientBase",
    )
    doc = _class_docstring("async_client_base.py")
    return head + f'\n\nclass AsyncBayarClient(AsyncClientBase):\n    """{doc}"""\n' + _bodies(_asynchronous)


def message_client_source() -> str:
    """The text of bayar/message_client.py."""
    of_results = {module for each in methods() for module in re.findall(r"\w+_pb2", each.message)}
    modules = sorted(of_results | set(_MODULE_OF_LIKE.values()))
    head = f'''"""The client whose answers are the contract's messages.

{_NOTICE}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime

from bayar import requests
from bayar.acts import act_metadata
from bayar.arguments import prepared
from bayar.calls import RetryPolicy
from bayar.cards import CardInput
from bayar.client_base import ClientBase
from bayar.payments.v1 import {", ".join(modules)}
'''
    enums = [name for name in _MODULE_OF_LIKE if name not in _MESSAGES]
    head += "".join(f"from bayar.payments.v1.{_MODULE_OF_LIKE[name]} import {name}\n" for name in enums)
    doc = "BayarClient with the contract's messages, as protobuf has them, for arguments and answers.\n    "
    return head + f'\n\nclass BayarClient(ClientBase):\n    """{doc}"""\n' + _bodies(_messages)


def _head(sentence: str, iterator: str, base_module: str, base: str) -> str:
    used = " ".join(f"{each.arguments} {each.model}" for each in methods())
    models = sorted(name for name in _names_of_models() if re.search(rf"\b{name}(Like)?\b", used) and name != "Money")
    return f'''"""{sentence}

{_NOTICE}
"""

from __future__ import annotations

from collections.abc import {iterator}, Iterable, Mapping
from datetime import date, datetime

from bayar import requests
from bayar.acts import act_metadata
from bayar.amounts import Money
from bayar.arguments import prepared
from bayar.{base_module} import {base}
from bayar.calls import RetryPolicy
from bayar.cards import CardInput
from bayar.models import {", ".join(models)}
'''


def _names_of_models() -> list[str]:
    tree = ast.parse((PACKAGE / "models.py").read_text("utf-8"))
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef)]


def _class_docstring(file: str) -> str:
    """That of the base, which says how a client is made."""
    tree = ast.parse((PACKAGE / file).read_text("utf-8"))
    (base,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return ast.get_docstring(base, clean=False) or ""


def _bodies(write: Callable[[Method], str]) -> str:
    text, service = "", ""
    for method in methods():
        if method.service != service:
            service = method.service
            text += f"\n    # {service}Service\n"
        text += "\n" + write(method)
    return text


def _sync(method: Method) -> str:
    arguments = _models_only(method.arguments)
    sent = f"self._caller.{_SENT[method.kind]}(call, timeout_seconds, retry)"
    match method.kind:
        case "Unary":
            return _text(method, "def", arguments, method.model, f"return call.shape({sent})")
        case _:
            return _text(method, "def", arguments, f"Iterator[{method.model}]", f"return map(call.shape, {sent})")


def _asynchronous(method: Method) -> str:
    arguments = _models_only(method.arguments)
    sent = f"self._caller.{_SENT[method.kind]}(call, timeout_seconds, retry)"
    match method.kind:
        case "Unary":
            return _text(method, "async def", arguments, method.model, f"return await {sent}")
        case _:
            body = f"return {sent}"
            return _text(method, "def", arguments, f"AsyncGenerator[{method.model}, None]", body)


def _messages(method: Method) -> str:
    arguments = _messages_only(method.arguments)
    sent = f"return self._caller.{_SENT[method.kind]}(call, timeout_seconds, retry)"
    result = method.message if method.kind == "Unary" else f"Iterator[{method.message}]"
    return _text(method, "def", arguments, result, sent)


_SENT: Final = {"Unary": "unary", "Pages": "pages", "Stream": "stream"}


def _text(method: Method, keyword: str, arguments: str, result: str, body: str) -> str:
    passed = ", ".join(f"{name}={name}" for name in method.names)
    keywords, metadata = _act(method)
    limits = ", ".join(filter(None, [arguments, keywords, _LIMITS]))
    body = body.replace("retry)", f"retry{metadata})")
    return (
        f"    {keyword} {method.name}(self, *, {limits}) -> {result}:\n"
        f'        """{_indented(method.docstring)}"""\n'
        f"        call = prepared({', '.join(filter(None, [f'requests.{method.name}', passed]))})\n"
        f"        {body}\n"
    )


def _indented(docstring: str) -> str:
    return re.sub(r"\n(?=.)", "\n    ", docstring) + ("    " if docstring.endswith("\n    ") else "")


def _models_only(arguments: str) -> str:
    return re.sub(r"(\w+)Like\b", r"\1", arguments)


def _messages_only(arguments: str) -> str:
    for name, module in _MODULE_OF_LIKE.items():
        kind = f"{module}.{name}" if name in _MESSAGES else f"{name}.ValueType"
        arguments = re.sub(rf"\b{name}Like\b", kind, arguments)
        prefix = re.sub(r"(?<!^)([A-Z])", r"_\1", name).upper()
        arguments = re.sub(rf"={name}\.(\w+)", rf"={name}.{prefix}_\1", arguments)
    return arguments
