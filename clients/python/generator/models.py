"""Writes bayar/models.py: a frozen dataclass for each message that a result is made of, an enum for each enum."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

ROOT: Final = Path(__file__).resolve().parents[3]
_PACKAGE: Final = ".bayar.payments.v1."
# Written by hand, or carried by other values: CardInput, keywords of list_payments, search_payments and
# add_dispute_evidence.
_BY_HAND: Final = {"Money", "Card", "PaymentFilter", "PaymentSearchFields", "EvidenceFile", "Heartbeat"}
# Responses that are results themselves.
_RENAMED: Final = {"VerifyPaymentResponse": "PaymentVerification", "SummarizePaymentsResponse": "PaymentSummaries"}
# Parts that a message always has.
_ALWAYS: Final = {
    ("VerifyPaymentResponse", "payment"),
    ("PaymentChange", "event"),
    ("PaymentChange", "payment"),
    ("UnresolvedOperation", "operation"),
    ("PaymentSearchHit", "payment"),
    ("DeclineReasonEntry", "decline"),
    ("PaymentStateTotal", "total"),
    ("DeclineTotal", "total"),
    ("MovementTotal", "total"),
    ("PaymentSummary", "disputes_opened"),
    ("PaymentSummary", "disputes_won"),
    ("PaymentSummary", "disputes_lost"),
}
# The fields in the str() of a model. Other models show all of theirs.
_SUMMARIES: Final = {
    "Payment": "payment_id state amount reference create_time",
    "Operation": "operation_id kind state amount create_time",
    "PaymentEvent": "sequence type amount event_time summary",
    "Customer": "customer_id external_id create_time",
    "PaymentMethod": "payment_method_id state instrument expiry_status",
    "Instrument": "kind brand last_four",
    "Dispute": "dispute_id kind state amount reason reply_by_time",
    "Event": "position type event_id event_time",
    "Decline": "reason retry_advice",
    "PaymentSummary": "date currency_code attempted_count approved_count declined_count",
    "PaymentVerification": "outcome differences payment",
}
_SCALARS: Final = {
    FieldDescriptorProto.TYPE_STRING: ("str", '""'),
    FieldDescriptorProto.TYPE_BOOL: ("bool", "False"),
    FieldDescriptorProto.TYPE_INT32: ("int", "0"),
    FieldDescriptorProto.TYPE_INT64: ("int", "0"),
    FieldDescriptorProto.TYPE_BYTES: ("bytes", 'b""'),
}
_HEAD: Final = '''"""The contract's messages as frozen dataclasses, and its enums.

Written by `make proto` from proto/; change that, or clients/python/generator, instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bayar.amounts import NO_MONEY, Money
from bayar.modeling import EPOCH, Model, OpenEnum, model
'''


def source() -> str:
    """The text of bayar/models.py."""
    files = _described()
    modules = "".join(f"from bayar.payments.v1 import {_module(file)}\n" for file in files if _has_models(file))
    enums = (text for file in files for text in _enums(file))
    models = (text for file in files for text in _models(file))
    return _HEAD + modules + "\n\n".join(["", *enums, *models])


def _described() -> list[FileDescriptorProto]:
    """The contract's files with their comments, as buf reads them."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "contract.binpb"
        command = [Path(sys.executable).parent / "buf", "build", "--as-file-descriptor-set", "--output", image]
        subprocess.run([str(each) for each in command], check=True, cwd=ROOT)  # noqa: S603 (a command of our own)
        files = FileDescriptorSet.FromString(image.read_bytes()).file
    ours = [file for file in files if file.package == "bayar.payments.v1"]
    # Messages that always hold another one come behind it.
    return sorted(ours, key=lambda file: (file.name.endswith(("_service.proto", "/event.proto")), file.name))


def _module(file: FileDescriptorProto) -> str:
    return Path(file.name).stem + "_pb2"


def _has_models(file: FileDescriptorProto) -> bool:
    return any(_is_model(message) for message in file.message_type)


def _is_model(message: DescriptorProto) -> bool:
    if message.name in _RENAMED:
        return True
    return message.name not in _BY_HAND and not message.name.endswith(("Request", "Response"))


class _Comments:
    """The comments of one file, by the path of what they are about."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self._texts = {
            tuple(place.path): " ".join(place.leading_comments.split()) for place in file.source_code_info.location
        }

    def of(self, *path: int) -> str:
        return self._texts.get(path, "")


def _enums(file: FileDescriptorProto) -> Iterator[str]:
    comments = _Comments(file)
    for index, enum in enumerate(file.enum_type):
        yield "\n".join(_enum(enum, comments, index))


def _enum(enum: EnumDescriptorProto, comments: _Comments, index: int) -> Iterator[str]:
    prefix = "".join(f"_{letter}" if letter.isupper() else letter for letter in enum.name).strip("_").upper() + "_"
    yield f"\nclass {enum.name}(OpenEnum):"
    yield from _docstring(comments.of(5, index))
    yield ""
    for number, value in enumerate(enum.value):
        yield f"    {value.name.removeprefix(prefix)} = {value.number}"
        yield from _docstring(comments.of(5, index, 2, number))


def _models(file: FileDescriptorProto) -> Iterator[str]:
    comments = _Comments(file)
    for index, message in enumerate(file.message_type):
        if _is_model(message):
            yield "\n".join(_model(message, comments, index, _module(file)))


def _model(message: DescriptorProto, comments: _Comments, index: int, module: str) -> Iterator[str]:
    name = _RENAMED.get(message.name, message.name)
    yield f"\n@model({module}.{message.name})"
    yield "@dataclass(frozen=True, slots=True, kw_only=True, repr=False)"
    yield f"class {name}(Model):"
    yield from _docstring(comments.of(4, index))
    if name in _SUMMARIES:
        yield f"\n    SUMMARY = {tuple(_SUMMARIES[name].split())!r}"
    yield ""
    maps = {nested.name for nested in message.nested_type if nested.options.map_entry}
    for number, field in enumerate(message.field):
        comment = comments.of(4, index, 2, number)
        kind, default = _typed(field, comment, maps)
        if (message.name, field.name) in _ALWAYS:
            kind = kind.removesuffix(" | None")
            default = f"{kind}()"
        yield f"    {field.name}: {kind} = {default}"
        yield from _docstring(comment)


def _typed(field: FieldDescriptorProto, comment: str, maps: set[str]) -> tuple[str, str]:
    """The annotation and the default of a field."""
    name = field.type_name.rpartition(".")[2]
    if name in maps:
        return "dict[str, str]", "field(default_factory=dict, hash=False)"
    if field.label == field.LABEL_REPEATED:
        return f"tuple[{_one(field, name)}, ...]", "()"
    if field.type == field.TYPE_ENUM:
        return (f"{name} | None", "None") if field.proto3_optional else (name, f"{name}.UNSPECIFIED")
    if field.type != field.TYPE_MESSAGE:
        return (f"{_SCALARS[field.type][0]} | None", "None") if field.proto3_optional else _SCALARS[field.type]
    always = "absent" not in comment.lower()
    if always and name == "Timestamp":
        return "datetime", "EPOCH"
    if always and name == "Money":
        return "Money", "NO_MONEY"
    return f"{_one(field, name)} | None", "None"


def _one(field: FieldDescriptorProto, name: str) -> str:
    if field.type_name.startswith(".google.protobuf."):
        return {"Timestamp": "datetime", "Duration": "timedelta"}[name]
    return name if field.type_name else _SCALARS[field.type][0]


def _docstring(text: str) -> Iterator[str]:
    lines = textwrap.wrap(text.replace("\\", "\\\\"), 110, break_long_words=False, break_on_hyphens=False)
    if not lines:
        return
    if lines[-1].endswith('"'):
        lines[-1] += " "
    yield f'    """{lines[0]}' + ('"""' if len(lines) == 1 else "")
    if len(lines) > 1:
        yield from (f"    {line}" for line in lines[1:])
        yield '    """'
