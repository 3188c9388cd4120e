"""Wires the service: the only place that knows everybody."""

from __future__ import annotations
