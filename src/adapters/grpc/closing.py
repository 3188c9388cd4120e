"""Lets calls that only wait for news end at once when the service stops, so that they do not hold it up."""

import asyncio


class ServiceStopping(Exception):
    """The service stops; whoever waits here can wait at the next one."""


class Closing:
    """Whether the service is about to stop. Belongs to the event loop in which it is first waited for."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()

    def begin(self) -> None:
        self._begun.set()

    async def pause(self, seconds: float) -> None:
        """Sleeps. Raises ServiceStopping as soon as the service stops."""
        try:
            await asyncio.wait_for(self._begun.wait(), seconds)
        except TimeoutError:
            return
        raise ServiceStopping
