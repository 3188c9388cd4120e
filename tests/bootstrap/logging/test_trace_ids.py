"""The caller's traceparent (W3C Trace Context): kept if it is valid, and ignored otherwise."""

from __future__ import annotations

import pytest

from bootstrap.logging.trace_ids import traceparent_of

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
VALID = f"00-{TRACE_ID}-b7ad6b7169203331-01"


@pytest.mark.parametrize("value", [VALID, f"01-{TRACE_ID}-b7ad6b7169203331-01", VALID[:-2] + "00"])
def test_a_valid_traceparent_is_kept(value: str) -> None:
    assert traceparent_of((("authorization", "Bearer x"), ("traceparent", value))) == value


def test_the_parts_of_a_later_version_are_left_out() -> None:
    assert traceparent_of((("traceparent", f"cc-{VALID[3:]}-and-more"),)) == f"cc-{VALID[3:]}"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "garbage",
        VALID.upper(),
        f"ff-{VALID[3:]}",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        b"00-binary",
        "00-abcdef4111111111111111abcdefabcd-b7ad6b7169203331-01",
        f"00-{TRACE_ID}-4111111111111111-01",
    ],
)
def test_anything_else_is_ignored(value: object) -> None:
    assert traceparent_of((("traceparent", value),)) == ""


def test_a_call_without_a_traceparent_has_none() -> None:
    assert traceparent_of(()) == ""
