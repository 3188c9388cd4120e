"""Documents are written and read as by the standard library."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.persistence.sql.documents import from_json, to_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


@given(VALUES)
def test_every_document_is_that_of_the_standard_library(document: Any) -> None:
    assert to_json(document) == json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def test_a_value_that_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        to_json({"a": {1}})


@given(st.one_of(VALUES.map(json.dumps), st.text(alphabet='{}[]":, \n0e-tru', max_size=8)))
def test_every_text_is_read_as_by_the_standard_library(text: str) -> None:
    try:
        value = json.loads(text)
    except ValueError as failure:
        with pytest.raises(type(failure), match=re.escape(str(failure))):
            from_json(text)
    else:
        # Not a number equals no number, not even itself.
        assert repr(from_json(text)) == repr(value)
