"""Settings of the limits on calls, streams and connections."""

from __future__ import annotations

from pydantic import Field

from bootstrap.config.settings_group import SettingsGroup


class CallLimitSettings(SettingsGroup):
    reads_per_second: float = Field(2000.0, ge=0)
    """The maximum of calls a second of one caller that only read, for each replica, with bursts of twice that. Beyond
    it: RATE_LIMITED. 0: no limit.
    """
    writes_per_second: float = Field(1000.0, ge=0)
    """The maximum of calls a second of one caller that change something, for each replica, with bursts of twice that.
    Beyond it: RATE_LIMITED. 0: no limit.
    """
    failed_logins_per_minute: float = Field(1000.0, ge=0)
    """The maximum of refused credentials a minute of one address, for each replica. Beyond it the address gets
    TOO_MANY_FAILED_LOGINS, except with a credential that was valid lately. 0: no limit.
    """
    streams_per_caller: int = Field(500, ge=0)
    """The maximum of open streams of one caller, for each replica. Beyond it: TOO_MANY_STREAMS. 0: no limit."""
    stream_seconds: float = Field(3600.0, gt=0, le=86_400)
    """The maximum lifetime in seconds of a stream. It then ends with STREAM_ENDED, and the client opens it again."""
    slowest_read_seconds: float = Field(60.0, gt=0, le=3600)
    """The time in seconds that a message of a stream waits for its reader. The stream then ends with
    STREAM_READ_TOO_SLOWLY.
    """
    call_seconds: float = Field(150.0, gt=0, le=3600)
    """The maximum time in seconds that a call waits for its answer, whatever its deadline. It then fails with
    CALL_TOO_LONG; work that has begun goes on.
    """
    grpc_connections: int = Field(1000, ge=1, le=1_000_000)
    """The maximum of gRPC connections of one replica. Further ones are closed."""
    calls_per_connection: int = Field(128, ge=1, le=100_000)
    """The maximum of concurrent calls on one connection. The client holds back further ones."""
    connection_idle_seconds: float = Field(300.0, ge=1, le=86_400)
    """The time in seconds without a call after which a connection is closed. Clients connect again by themselves."""
    connection_seconds: float = Field(3600.0, ge=1, le=604_800)
    """The maximum age in seconds of a connection, give or take a tenth. The client then connects again, so that load
    spreads over new replicas. Calls under way end first.
    """
