"""Adds evidence to a dispute: a text or a file."""

import hashlib
import re
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from application.common.caller import Caller
from application.common.errors import Rule
from application.common.lease import Lease
from application.common.validator import MAX_TEXT, Validator, has_unprintable, require_checked
from application.disputes.answer_dispute import Answer, AnswerDispute
from application.idempotency.idempotency_guard import IdempotentRequest
from application.ports.gateway import DisputeOutcome, Gateway
from domain import ids
from domain.card_detector import looks_like_card
from domain.dispute import ActionKind, Dispute

MAX_EVIDENCE_TEXT: Final = 4000
MAX_FILE_BYTES: Final = 4 * 1024 * 1024

# The first bytes of each file type.
_BEGINNINGS: Final = {"pdf": b"%PDF-", "png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff", "jpeg": b"\xff\xd8\xff"}
_BREAKS: Final = re.compile("[\n\r\t\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class RawFile:
    """A file as the caller sent it."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddEvidenceCommand:
    """The caller's request, unchecked. None: neither text nor file."""

    request_id: str
    dispute_id: str
    evidence: str | RawFile | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AddDisputeEvidence:
    gateway: Gateway
    answer: AnswerDispute

    def __call__(self, command: AddEvidenceCommand, caller: Caller) -> tuple[Dispute, str]:
        """The dispute and the id of the evidence, which is empty while it is unknown whether the gateway has it.

        Raises InvalidRequest and what AnswerDispute raises.
        """
        validator = Validator()
        request_id = validator.request_id(command.request_id)
        validator.resource_id("dispute_id", command.dispute_id, ids.DISPUTE)
        match command.evidence:
            case None:
                validator.add("evidence", Rule.EXACTLY_ONE, "text, file")
            case RawFile():
                _check_file(validator, command.evidence)
            case text:
                _check_text(validator, text)
        validator.done()
        evidence = _checked_evidence(command)
        request = IdempotentRequest(
            caller,
            require_checked(request_id),
            "AddDisputeEvidence",
            {"dispute_id": command.dispute_id, **_evidence_fields(evidence)},
        )
        dispute = self.answer(request, command.dispute_id, _answer(evidence), partial(self._send, evidence))
        action = dispute.action_of(request.request_id)
        return dispute, action.evidence_id if action else ""

    def _send(self, evidence: str | RawFile, gateway_dispute_id: str, lease: Lease) -> DisputeOutcome:
        if isinstance(evidence, RawFile):
            return self.gateway.add_file_evidence(gateway_dispute_id, evidence.name, evidence.content, lease)
        return self.gateway.add_text_evidence(gateway_dispute_id, evidence, lease)


def _checked_evidence(command: AddEvidenceCommand) -> str | RawFile:
    if command.evidence is None:
        raise RuntimeError("evidence was checked to be there")
    return command.evidence


def _answer(evidence: str | RawFile) -> Answer:
    if isinstance(evidence, RawFile):
        return Answer(kind=ActionKind.ADD_FILE, file_name=evidence.name)
    return Answer(kind=ActionKind.ADD_TEXT, text=evidence)


def _evidence_fields(evidence: str | RawFile) -> dict[str, str]:
    if isinstance(evidence, RawFile):
        return {"file.name": evidence.name, "file.content": hashlib.sha256(evidence.content).hexdigest()}
    return {"text": evidence}


def _check_text(validator: Validator, text: str) -> None:
    if not text.strip():
        validator.add("text", Rule.REQUIRED)
    if len(text) > MAX_EVIDENCE_TEXT:
        validator.add("text", Rule.MAX_CHARACTERS, MAX_EVIDENCE_TEXT)
    if has_unprintable(_BREAKS.sub("", text)):
        validator.add("text", Rule.NO_CONTROL_CHARACTERS_BUT_BREAKS)
    if looks_like_card(text):
        validator.add("text", Rule.NO_CARD_DATA)


def _check_file(validator: Validator, file: RawFile) -> None:
    name = validator.plain_text("file.name", file.name, maximum=MAX_TEXT, required=True)
    stem, _, ending = name.lower().rpartition(".")
    if name.strip() and (ending not in _BEGINNINGS or not stem or set(name) & set("/\\")):
        validator.add("file.name", Rule.FILE_NAME, ", ".join(f".{one}" for one in _BEGINNINGS))
    if not file.content:
        validator.add("file.content", Rule.REQUIRED)
    elif len(file.content) > MAX_FILE_BYTES:
        validator.add("file.content", Rule.MAX_BYTES, MAX_FILE_BYTES)
    elif ending in _BEGINNINGS and not _is_whole(ending, file.content):
        validator.add("file.content", Rule.FILE_CONTENT, ending.upper())


def _is_whole(ending: str, content: bytes) -> bool:
    """Whether both ends of the file match its name. Encrypted files fail, because a bank cannot open them."""
    if not content.startswith(_BEGINNINGS[ending]):
        return False
    return ending != "pdf" or (b"%%EOF" in content[-1024:] and b"/Encrypt" not in content)
