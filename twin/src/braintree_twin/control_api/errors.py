"""The error of an invalid field in a request to the control API."""

from __future__ import annotations


class InvalidField(Exception):
    def __init__(self, field: str, remedy: str) -> None:
        super().__init__(field, remedy)
        self.field, self.remedy = field, remedy
