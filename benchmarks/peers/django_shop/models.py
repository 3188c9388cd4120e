"""The shop's payment."""

from __future__ import annotations

from payments.models import BasePayment


class Payment(BasePayment):
    def get_success_url(self) -> str:
        return f"http://127.0.0.1/paid/{self.pk}"

    def get_failure_url(self) -> str:
        return f"http://127.0.0.1/failed/{self.pk}"
