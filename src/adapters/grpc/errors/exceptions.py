"""The errors that the gRPC side itself raises: limits, overload and shutdown."""


class ServiceStopping(Exception):
    """The service stops and ends its streams."""


class UndecodableRequest(Exception):
    """The bytes do not decode as the method's message."""


class RateLimited(Exception):
    """The caller exceeds its rate limit."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(f"for {wait_seconds:.3f} s")
        self.wait_seconds = wait_seconds


class TooManyFailedLogins(Exception):
    """The peer repeatedly presents invalid credentials."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(f"for {wait_seconds:.3f} s")
        self.wait_seconds = wait_seconds


class TooManyStreams(Exception):
    """The caller has its maximum of open streams."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class Overloaded(Exception):
    """All threads are busy, and the queue is full."""


class RequestTooLarge(Exception):
    """The request is larger than its method allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class CallTooLong(Exception):
    """The call exceeded the maximum wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:g} s")
        self.seconds = seconds


class StreamTooLong(Exception):
    """The stream exceeded its maximum lifetime."""


class TooMuchUnread(Exception):
    """The caller does not read the answers to its calls."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class ReaderTooSlow(Exception):
    """The reader of a stream read nothing for too long."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds
