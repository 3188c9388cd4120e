"""Document uploads. The file is checked, and its content is not stored."""

from __future__ import annotations

import re
from email.message import Message
from email.parser import BytesParser

from braintree_twin.calls import Answer, Call, Route
from braintree_twin.errors import MalformedRequest
from braintree_twin.request_schema import Effect, UnhandledField
from braintree_twin.state.records import Document
from braintree_twin.validation import failed
from braintree_twin.views.disputes import document as document_view

ROOT = "document_upload"
KINDS = frozenset({"evidence_document", "identity_document", "payout_invoice_document"})
MAX_FILE_BYTES = 4 * 1024 * 1024
MAX_PAGES = 50
KIND_INVALID, TOO_LARGE, TYPE_INVALID, MALFORMED, TOO_LONG, EMPTY = (
    "84901",
    "84902",
    "84903",
    "84904",
    "84905",
    "84906",
)
# Content type -> the first bytes of such a file.
_BEGINNINGS = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "application/pdf": b"%PDF-"}
PARTS = ("document_upload[kind]", "kind", "document_upload[file]", "file")
_PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")


def create(call: Call) -> Answer:
    parts = _parts(call)
    call.note_unhandled([UnhandledField(name, Effect.UNKNOWN) for name in parts if name not in PARTS])
    kind = _text(parts.get("document_upload[kind]") or parts.get("kind"))
    if kind not in KINDS:
        raise failed(ROOT, "kind", KIND_INVALID)
    file = parts.get("file") or parts.get("document_upload[file]")
    content = _content(file)
    content_type = file.get_content_type() if file else ""
    fault = _file_error(content, content_type)
    if fault:
        raise failed(ROOT, "file", fault)
    record = Document(
        id=call.ids.dispute(),
        kind=kind,
        name=(file.get_filename() if file else None) or "file",
        content_type=content_type,
        size=len(content),
        created_at=call.clock.stamp(),
    )
    call.store.documents.put(call.merchant.id, record)
    return Answer(ROOT, document_view(record), 201)


def _parts(call: Call) -> dict[str, Message]:
    """The parts of a multipart body, by name."""
    if not call.content_type.lower().startswith("multipart/form-data"):
        raise MalformedRequest("a document is uploaded as multipart/form-data")
    head = f"Content-Type: {call.content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser().parsebytes(head + call.body)
    payload = message.get_payload()
    if not isinstance(payload, list):
        raise MalformedRequest("the multipart body has no parts")
    return {
        str(part.get_param("name", "", "content-disposition")): part for part in payload if isinstance(part, Message)
    }


def _content(part: Message | None) -> bytes:
    content = part.get_payload(decode=True) if part else b""
    return content if isinstance(content, bytes) else b""


def _text(part: Message | None) -> str:
    return _content(part).decode("utf-8", "replace").strip()


def _file_error(content: bytes, content_type: str) -> str | None:
    if not content:
        return EMPTY
    if len(content) > MAX_FILE_BYTES:
        return TOO_LARGE
    beginning = _BEGINNINGS.get(content_type)
    if beginning is None:
        return TYPE_INVALID
    if not content.startswith(beginning):
        return MALFORMED
    if content_type == "application/pdf":
        if b"%%EOF" not in content[-1024:] or b"/Encrypt" in content:
            return MALFORMED
        if len(_PAGE.findall(content)) > MAX_PAGES:
            return TOO_LONG
    return None


ROUTES = (Route("POST", "/document_uploads", create, takes=None),)
