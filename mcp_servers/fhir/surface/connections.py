"""The connections of the HTTP server: bounded in number, and in the time that a request may take to arrive.

uvicorn bounds neither, so that strangers could hold open all the files that the process may open.
"""

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

_MOST = 256


class BoundedConnection(H11Protocol):
    """A connection that makes room for others while no answer is worked on.

    A request has to be there whole `seconds` after the connection was made, or after the answer before it.
    Beyond `most_connections`, the one that has waited longest for its request is closed.
    """

    seconds: ClassVar[float] = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request; make room."""
        super().connection_made(transport)
        self._expect_request()
        if len(self.connections) > most_connections():
            waiting = [one for one in self.connections if isinstance(one, BoundedConnection) and one.waits]
            min(waiting, key=BoundedConnection.due).make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._expect_nothing()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        if not self.transport.is_closing():
            self._expect_request()
        super().on_response_complete()

    @property
    def waits(self) -> bool:
        """Whether there is no whole request that is yet to be answered."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def due(self) -> float:
        """When the next request has to be there, by the loop's clock."""
        return self._due.when() if self._due is not None else 0.0

    def make_room(self) -> None:
        """Close the connection if it waits for a request, once what was answered is sent."""
        if self.waits:
            self.connections.discard(self)  # it counts no more, though the loop takes a moment to close it
            self.transport.close()

    def _expect_request(self) -> None:
        self._expect_nothing()
        self._due = self.loop.call_later(self.seconds, self.make_room)

    def _expect_nothing(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


def most_connections() -> int:
    """How many connections leave enough of the files that this process may open for all else."""
    try:
        import resource
    except ImportError:  # on Windows
        return _MOST
    may_open, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if may_open == resource.RLIM_INFINITY else min(_MOST, may_open // 4)


def backlog() -> int:
    """How many connections may wait: asyncio accepts as many three times before the first can be closed."""
    return most_connections() // 2
