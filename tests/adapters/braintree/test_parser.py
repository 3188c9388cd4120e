"""Our parser says what the SDK's own says, of whatever the gateway may write, and of much that it does not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape, quoteattr

import pytest
from braintree.util.parser import Parser as StockParser
from braintree.version import Version
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.braintree import parser
from tests.adapters.braintree import documents
from tests.adapters.braintree.asking import adapter, authorization
from tests.adapters.braintree.comparing import calls_made, outcome
from tests.adapters.braintree.server import answer, serving
from tests.fakes.runtime import HELD

xml_util: Any = import_module("braintree.util.xml_util")

NAMES = st.sampled_from(["id", "status", "add-ons", "line-item", "errors", "a_b", "x-1", "customer"])
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12),
    st.sampled_from(["1", "0", "true", "false", " ", "\n ", "4111", "10.50", "é & <b>", "> <", "-7", "1_000"]),
)
MOMENTS = st.one_of(
    st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")),
    st.sampled_from(
        [
            "2026-02-30T10:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T10:00:60Z",
            "2026-03-01T10:00:00+07:00",
            "2026-03-01T10:00:00.5Z",
            "2026-03-01T10:00:00",
            "2026-3-1",
            "",
            "soon",
            "0000-01-01T00:00:00Z",
        ]
    ),
)
DAYS = st.one_of(st.dates().map(str), st.sampled_from(["2026-02-30", "2026-2-3", "", "today", "0000-01-01"]))
TYPED = {
    "integer": st.one_of(st.integers().map(str), st.sampled_from(["", " 5 ", "five", "1_0"])),
    "boolean": st.sampled_from(["true", "false", "1", "0", "", "TRUE", " true"]),
    "datetime": MOMENTS,
    "date": DAYS,
    "symbol": TEXTS,
    "array": TEXTS,
    "collection": TEXTS,
    "": TEXTS,
}
SPACE = st.sampled_from(["", "", " ", "\n  ", "\u00a0", "\r\n"])
ODDITIES = st.sampled_from(["<!-- a note -->", "<![CDATA[ <raw> & ]]>", "<![CDATA[]]>", "<?do it?>", "&amp;&#233;&lt;"])


def element(name: str, kind: str | None, nil: str | None, content: str) -> str:
    attributes = "".join(
        f" {key}={quoteattr(value)}" for key, value in (("type", kind), ("nil", nil)) if value is not None
    )
    return f"<{name}{attributes}>{content}</{name}>" if content else f"<{name}{attributes}/>"


NILS = st.sampled_from([None, None, None, "true", "false"])


@st.composite
def leaves(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(sorted(TYPED)))
    return element(draw(NAMES), kind or None, draw(NILS), escape(draw(TYPED[kind])))


def branches(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    @st.composite
    def branch(draw: st.DrawFn) -> str:
        children = draw(st.lists(st.one_of(inner, inner, inner, ODDITIES, TEXTS.map(escape)), max_size=6))
        spaced = "".join(draw(SPACE) + child for child in children) + draw(SPACE)
        kind = draw(st.sampled_from([None, None, "array", "array", "collection", "integer"]))
        return element(draw(NAMES), kind, draw(NILS), spaced)

    return branch()


@st.composite
def wire_branches(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    children = draw(st.lists(inner, max_size=6))
    return element(
        draw(NAMES), draw(st.sampled_from([None, "array", "collection"])), None, "\n  ".join(["", *children, ""])
    )


HEADS = st.sampled_from(["", '<?xml version="1.0" encoding="UTF-8"?>\n', " \n"])
ODD = st.builds(str.__add__, HEADS, st.recursive(leaves(), branches, max_leaves=25))
WIRE = st.builds(str.__add__, HEADS, st.recursive(leaves(), wire_branches, max_leaves=40))


def assert_same(xml: str | bytes) -> None:
    assert outcome(parser.Parser, xml) == outcome(StockParser, xml)


@settings(max_examples=300, deadline=None)
@given(WIRE)
def test_it_reads_documents_like_the_gateways_as_the_sdk_does(xml: str) -> None:
    assert_same(xml)
    assert_same(xml.encode())


@settings(max_examples=300, deadline=None)
@given(ODD)
@example("<a>x<![CDATA[]]>y</a>")
@example("<a><![CDATA[x]]></a>")
@example("<a><b>1</b>text<b/><b><c>1</c></b><b><d/></b><b>2</b></a>")
@example("<a><b type='array'><c>1</c></b><b><d>1</d></b><b><d>2</d></b></a>")
@example("<a>text<b type='integer'>no number</b></a>")
@example("<a xmlns='urn:x'><b/></a>")
@example("<a xmlns:x='urn:x' x:type='integer'><x:b-c>1</x:b-c></a>")
@example("<x:a/>")
@example("<a type='integer' nil='true'/>")
@example("<a>" * 70 + "1" + "</a>" * 70)
@example("\ufeff<a/>")
@example('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>')
def test_it_reads_any_other_document_as_the_sdk_does(xml: str) -> None:
    assert_same(xml)


DAMAGES = st.one_of(
    st.sampled_from(["", "<", ">", "/", "&", "=", '"', "</id>", "<id>", "<id/>", "x", "]]>", "<!-- -->", "<?x?>"]),
    st.sampled_from(["\x00", "\x7f", "\ud800", "\ufffe", "\uffff", "\r", "\r\n", "\t", "\u00a0"]),
    st.sampled_from(
        [
            "&amp;",
            "&#13;",
            "&#x41;",
            "&#233;",
            "&#0;",
            "&#x110000;",
            "&#55296;",
            "&nbsp;",
            ' nil="true"',
            ' type="array"',
        ]
    ),
)
# With no element that is skipped, so that all damage is seen.
READ_WHOLE = {"disbursement_details": {"disbursement-date": None}}
ANSWERS = [
    documents.transaction(**READ_WHOLE),
    documents.transaction(
        status_history=[{"status": "authorized", "timestamp": "2026-03-01T10:00:00Z"}] * 2, **READ_WHOLE
    ),
    documents.declined(),
    documents.invalid("81501", "91501"),
    documents.found({"id": "tx1"}, {"id": "tx2", "amount": "7.00"}),
]


@settings(max_examples=200, deadline=None)
@given(ODD, st.data())
def test_it_refuses_damaged_documents_as_the_sdk_does(xml: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(xml)))
    assert_same(xml[:at] + data.draw(DAMAGES) + xml[at + 1 :])
    assert_same(xml[:at])


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_it_refuses_a_damaged_answer_as_the_sdk_does(data: st.DataObject) -> None:
    xml = data.draw(st.sampled_from(ANSWERS))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(xml)))
        until = data.draw(st.sampled_from([at, at + 1, at + data.draw(st.integers(2, 40))]))
        xml = xml[:at] + data.draw(DAMAGES) + xml[until:]
    assert_same(xml)


@pytest.mark.parametrize(
    "xml",
    [
        *ANSWERS,
        documents.unverified(),
        documents.found_ids(),
        documents.found_ids("tx1", "tx2"),
        documents.found(),
        documents.document("credit-card", documents.CARD),
    ],
)
def test_it_reads_the_documents_of_other_tests_as_the_sdk_does(xml: str) -> None:
    assert isinstance(parser.Parser(xml).parse(), dict)
    assert_same(xml)
    assert_same(xml.replace("><", ">\n  <"))


# A document that the gateway could write: each value is one of its type, and only what must be is written otherwise.
VALUES = {
    "integer": st.integers(0, 10**6).map(str),
    "boolean": st.sampled_from(["true", "false"]),
    "datetime": st.datetimes().map(lambda moment: moment.strftime("%04Y-%m-%dT%H:%M:%SZ")),
    "date": st.dates().map(str),
    "symbol": st.sampled_from(["amount", "number"]),
    "": st.text(
        st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Z"], exclude_characters="\ufffe\uffff"),
        min_size=1,
    ).map(lambda text: escape(text, {'"': "&quot;", "'": "&apos;", "é": "&#233;", "e": "&#x65;"})),
}


@st.composite
def proper_leaves(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from([*sorted(VALUES), "", "", "nil", "empty"]))
    if kind in ("nil", "empty"):
        return element(draw(NAMES), None, "true" if kind == "nil" else None, "")
    return element(draw(NAMES), kind or None, None, draw(VALUES[kind]))


PROPER = st.builds(str.__add__, HEADS, st.recursive(proper_leaves(), wire_branches, max_leaves=40))


@settings(max_examples=300, deadline=None)
@given(PROPER)
def test_the_gateways_documents_need_no_other_feature_of_the_sdks_parser(xml: str) -> None:
    expected = outcome(StockParser, xml)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(parser, "StockParser", None)
        assert outcome(parser.Parser, xml) == expected


def test_the_usual_answer_needs_nothing_of_the_sdks_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "StockParser", None)
    assert parser.Parser(documents.transaction()).parse()["transaction"]["amount"] == "10.50"


BOMB = "<!DOCTYPE a [<!ENTITY b 'x'>" + "".join(f"<!ENTITY b{i} '{'&b;' * 10}'>" for i in range(9)) + "]><a>&b8;</a>"
OUTSIDE = "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]><a>&b;</a>"


@pytest.mark.parametrize(
    "xml", [BOMB, OUTSIDE, "<!DOCTYPE a><a/>", "\n<?xml version='1.0'?><!-- -->" + OUTSIDE, OUTSIDE.encode()]
)
def test_document_types_are_refused_and_with_them_entities(xml: str | bytes) -> None:
    with pytest.raises(ExpatError, match="declares a type") as refused:
        parser.Parser(xml).parse()
    assert refused.type is parser.DocumentTypeRefused


def parser_in_use() -> Any:
    return xml_util.Parser


@pytest.fixture
def _as_before() -> Iterator[None]:
    before = xml_util.Parser
    yield
    xml_util.Parser = before


@pytest.mark.usefixtures("_as_before")
def test_the_sdk_reads_with_ours_by_default() -> None:
    adapter("http://127.0.0.1:1", stock_parser=True)
    assert parser_in_use() is StockParser
    with serving(answer(201, documents.transaction())) as server:
        gateway = adapter(server.url)
        assert parser_in_use() is parser.parser_of
        assert gateway.authorize(authorization(), HELD).transaction.transaction_id == "tx1"  # type: ignore[union-attr]


@pytest.mark.usefixtures("_as_before")
def test_an_sdk_that_it_was_not_compared_with_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(parser, "Version", "4.99.0")
    with caplog.at_level(logging.WARNING):
        parser.choose(stock=False)
    assert parser_in_use() is StockParser
    assert "never compared with that of braintree 4.99.0" in caplog.text


def test_the_installed_sdk_is_one_that_it_was_compared_with() -> None:
    assert Version in parser.COMPARED_VERSIONS


def test_it_takes_an_eighth_of_the_calls_of_the_sdks_parser() -> None:
    xml = documents.transaction(status_history=[{"status": "authorized", "timestamp": "2026-03-01T10:00:00Z"}] * 3)
    ours = calls_made(lambda: parser.Parser(xml).parse())
    assert 8 * ours < calls_made(lambda: StockParser(xml).parse())
