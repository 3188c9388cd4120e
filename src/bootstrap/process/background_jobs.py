"""The periodic jobs of each role, with their intervals."""

from collections.abc import Callable
from functools import partial
from typing import Final

from application.common.errors import StoreUnavailable
from application.ports.gateway import GatewayUnavailable
from bootstrap.config.settings import Settings
from bootstrap.observability.decorators import measured_job
from bootstrap.process.periodic_job import PeriodicJob
from bootstrap.wiring.container import Container

_BUFFER_SECONDS: Final = 5.0
_CLEANING_SECONDS: Final = 60.0
_ARCHIVING_SECONDS: Final = 3600.0
# It has work only during and after an upgrade.
_BOOKING_SECONDS: Final = 30.0
_OUTAGES: Final = (GatewayUnavailable, StoreUnavailable)


def background_jobs(container: Container, settings: Settings) -> list[PeriodicJob]:
    """The jobs of the background role: one process of the deployment at least runs them. A hold stops them."""
    interval = settings.resolver_interval_seconds
    jobs: list[tuple[str, Callable[[], int], float]] = [
        ("resolver", container.resolve_operations(), interval),
        ("method resolver", container.resolve_unknown_methods(), interval),
        ("settlement poller", container.poll_settlements(), interval),
        ("event relay", container.relay_events(), settings.feed_interval_seconds),
        ("search indexer", container.index_payments(), settings.indexing_interval_seconds),
        ("statistics counter", container.count_payments(), settings.indexing_interval_seconds),
        ("gateway webhook processor", container.process_gateway_webhooks(), interval),
        ("open dispute poller", container.poll_open_disputes(), interval),
        ("checkout follower", container.follow_checkouts(), interval),
        ("dispute search", container.find_new_disputes(), settings.dispute_poll_seconds),
        ("velocity counter cleaner", container.purge_velocity_counters(), _CLEANING_SECONDS),
        ("gateway webhook cleaner", container.purge_gateway_webhooks(), _CLEANING_SECONDS),
        ("movement booker", container.book_movements(), _BOOKING_SECONDS),
        ("event archiver", container.archive_old_events(), _ARCHIVING_SECONDS),
    ]
    deliver = container.deliver_events()
    jobs += [(f"webhook sender of {one.name}", partial(deliver.serve, one), interval) for one in deliver.endpoints]
    hold = container.hold()
    instruments = container.instruments()
    return [
        PeriodicJob(name, measured_job(name, hold.unless_held(job), instruments), seconds, _OUTAGES)
        for name, job, seconds in jobs
    ]


def buffer_jobs(container: Container) -> list[PeriodicJob]:
    """The jobs of the gRPC role: they persist what it buffers while it answers."""
    return [
        PeriodicJob("refused calls", container.refused_calls(), _BUFFER_SECONDS, _OUTAGES),
        PeriodicJob("key uses", container.last_used_recorder(), _BUFFER_SECONDS, _OUTAGES),
    ]
