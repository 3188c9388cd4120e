"""Searches the gateway for disputes that no webhook reported."""

import logging
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from application.common.errors import StoreUnavailable
from application.disputes.record_dispute import RecordDispute
from application.ports.gateway import Gateway, GatewayUnavailable
from application.ports.runtime import Clock
from application.ports.store import Store
from domain.dispute import DisputeReport

_log = logging.getLogger(__name__)

# Banks can open a dispute within this time, and not later.
_FIRST_LOOK_BACK: Final = timedelta(days=180)
# The gateway counts days by its own clock, and its search lags.
_OVERLAP: Final = timedelta(days=3)


@dataclass(slots=True)
class FindNewDisputes:
    """Searches far back once after each start, and then only the last days."""

    store: Store
    gateway: Gateway
    clock: Clock
    record: RecordDispute
    _looked_until: date | None = field(default=None, init=False)

    def __call__(self) -> int:
        """Always returns 0: nothing is left to do before the interval is over.

        Raises GatewayUnavailable and StoreUnavailable; the next run searches the same days again.
        """
        today = self.clock.now().date()
        since = today - _FIRST_LOOK_BACK if self._looked_until is None else self._looked_until - _OVERLAP
        for report in self.gateway.disputes_received(since):
            try:
                if self._is_news(report):
                    self.record(report)
            except (GatewayUnavailable, StoreUnavailable):
                raise
            except Exception:
                # A dispute that cannot be recorded must not hide the others.
                _log.exception("gateway dispute %s could not be recorded", report.gateway_dispute_id)
        self._looked_until = today
        return 0

    def _is_news(self, report: DisputeReport) -> bool:
        with self.store.read() as work:
            known = work.disputes.find(report.gateway_dispute_id)
        return known is None or known.is_older_than(report)
