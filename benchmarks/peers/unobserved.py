"""The service without observers: no metrics of calls, transactions and the gateway, no log lines, no traces."""

from __future__ import annotations

import sys
from typing import Any

from adapters.braintree.transport.circuit_breaker import UNOBSERVED as UNOBSERVED_GATEWAY
from adapters.grpc.middleware.call_observer import UNOBSERVED as UNOBSERVED_CALLS
from adapters.persistence.observer import UNOBSERVED as UNOBSERVED_STORE
from bootstrap.wiring import traces


def _always(observer: Any) -> Any:
    return lambda *_: observer


# Before the container is defined, which keeps the functions.
traces.store_observers = _always(UNOBSERVED_STORE)
traces.gateway_observers = _always(UNOBSERVED_GATEWAY)
traces.call_observer = _always(UNOBSERVED_CALLS)


if __name__ == "__main__":
    from bootstrap.cli.main import main

    sys.exit(main())
