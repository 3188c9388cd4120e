"""What the control side says of a field that it cannot take."""

from __future__ import annotations


class Wrong(Exception):
    def __init__(self, field: str, remedy: str) -> None:
        super().__init__(field, remedy)
        self.field, self.remedy = field, remedy
