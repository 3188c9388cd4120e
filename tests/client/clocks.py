"""A clock that advances only when code waits."""

from bayar.messages import RetryPolicy


class Clock:
    """Remembers how long was waited, and waits for nothing."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def policy(self, attempts: int = 5, first_delay_seconds: float = 0.2) -> RetryPolicy:
        return RetryPolicy(
            attempts=attempts,
            first_delay_seconds=first_delay_seconds,
            clock=lambda: self.now,
            sleep=self.sleep,
            jitter=lambda: 1.0,
        )
