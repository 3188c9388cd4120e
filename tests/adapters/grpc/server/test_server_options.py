"""The options of gRPC's core follow the service's own limits."""

from __future__ import annotations

import pytest

from adapters.grpc.middleware.admission_control import AdmissionLimits
from adapters.grpc.server.server_options import options_of


@pytest.mark.parametrize(("threads", "queue", "least"), [(200, 1_000, 5_000), (14_000, 10_000, 24_000)])
def test_the_core_holds_every_call_for_which_the_pool_has_room(threads: int, queue: int, least: int) -> None:
    options = dict(options_of(AdmissionLimits(threads=threads, queue=queue, call_seconds=150.5)))
    assert options["grpc.server.max_pending_requests"] == least
    assert options["grpc.server.max_pending_requests_hard_limit"] == 2 * least
    assert options["grpc.server_max_unrequested_time_in_server"] == 151, "longer than any call may take"
