"""Derives the gRPC side's limits from the settings."""

from adapters.grpc.middleware.admission_control import AdmissionLimits
from bootstrap.config.file_descriptors import connections_within_descriptors
from bootstrap.config.settings import Settings


def admission_limits(settings: Settings) -> AdmissionLimits:
    return AdmissionLimits(
        reads_per_second=settings.reads_per_second,
        writes_per_second=settings.writes_per_second,
        failed_logins_per_minute=settings.failed_logins_per_minute,
        streams_per_caller=settings.streams_per_caller,
        stream_seconds=settings.stream_seconds,
        slowest_read_seconds=settings.slowest_read_seconds,
        credential_seconds=settings.credential_seconds,
        call_seconds=settings.call_seconds,
        threads=settings.grpc_threads,
        gateway_threads=settings.gateway_calls + settings.gateway_waiting,
        queue=settings.grpc_queue,
        connections=connections_within_descriptors(settings),
        calls_per_connection=settings.calls_per_connection,
        idle_seconds=settings.connection_idle_seconds,
        connection_seconds=settings.connection_seconds,
    )
