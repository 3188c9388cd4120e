"""Settings of traces."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

from pydantic import AfterValidator, Field

from bootstrap.config.settings_group import SettingsGroup
from bootstrap.config.urls import plain_url

_EXPORTER = "opentelemetry.exporter.otlp.proto.http"


def _collector(value: str) -> str:
    """An address of a collector without a path, whose packages are installed."""
    if not value:
        return value
    parts = plain_url(value)
    if parts is None or parts.scheme not in ("http", "https") or parts.query:
        raise ValueError("must be an address that begins with http:// or https://")
    if parts.path not in ("", "/"):
        raise ValueError("must have no path: /v1/traces is added to it")
    if not _is_installed():
        raise ValueError(
            "needs the packages of traces, which are not installed. Install them with `pip install "
            "'bayar-service[traces]'`, or unset the variable"
        )
    return value.rstrip("/")


def _is_installed() -> bool:
    try:
        return find_spec(_EXPORTER) is not None
    except (ModuleNotFoundError, ValueError):
        return False


class TracingSettings(SettingsGroup):
    otlp_endpoint: Annotated[str, AfterValidator(_collector)] = Field("", examples=["http://jaeger:4318"])
    """The URL of the collector of traces (OpenTelemetry, OTLP over HTTP), without a path. Not set: no traces, at no
    cost. See docs/operate/traces.md.
    """
    trace_ratio: float = Field(1.0, ge=0, le=1, examples=["0.1"])
    """The share of the calls without a traceparent that is traced. The decision in a caller's traceparent is kept."""
