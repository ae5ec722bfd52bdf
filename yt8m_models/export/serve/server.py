"""The server: a socket, its connections, and how it stops."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from yt8m_models.export.exported_model import ExportedModel
from yt8m_models.export.runtime import Runtime
from yt8m_models.export.serve.app import App
from yt8m_models.export.serve.config import ServeConfig
from yt8m_models.export.serve.endpoint import Endpoint
from yt8m_models.export.serve.predictions import Predictions
from yt8m_models.export.serve.searches import Searches
from yt8m_models.program.interruption import Interruption
from yt8m_models.retrieval.index import Index

_HEADER_BYTES = 1 << 16
_BACKLOG = 1024
_LINGER_SECONDS = 0.2
_GRACE_SECONDS = 5.0  # for an answer that says what was late, before the connection is closed


class Server(uvicorn.Server):
    """Serves a model, an index, a recommender or all of them.

    After SIGTERM, SIGINT or `should_exit` it takes no new connection, answers what comes on those
    that are open within a moment, and ends when all is answered. A second signal ends it at once.

    Args:
        config: the flags.

    Attributes:
        app: what answers.
        port: where it listens, from the time it is made.

    Raises:
        ValueError: one of them cannot be read.
        OSError: the address cannot be listened on.
    """

    def __init__(self, config: ServeConfig) -> None:
        self.app = App(_endpoints(config))
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        self._socket = socket.create_server(
            (config.host, config.port), family=family, backlog=_BACKLOG
        )
        self.port: int = self._socket.getsockname()[1]
        self._interruption = Interruption()
        logging.getLogger("uvicorn").setLevel(logging.ERROR)
        super().__init__(
            uvicorn.Config(
                self.app.asgi,
                http=_timed_protocol(config.timeout_seconds + _GRACE_SECONDS),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                backlog=_BACKLOG,
                limit_concurrency=config.max_connections,
                h11_max_incomplete_event_size=_HEADER_BYTES,
                timeout_graceful_shutdown=None,
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves, in this thread."""
        super().run(sockets or [self._socket])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with self._interruption:
            yield

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._interruption.signal is not None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.app.is_ready = False
        for server in self.servers:
            server.close()
        await asyncio.sleep(_LINGER_SECONDS)
        await super().shutdown(sockets)


def _endpoints(config: ServeConfig) -> dict[str, Endpoint[Any, Any]]:
    endpoints: dict[str, Endpoint[Any, Any]] = {}
    if config.model:
        model = ExportedModel.read(config.model, config.format)
        runtime = Runtime(model.path, config.num_threads)
        endpoints["/predict"] = Predictions(model, runtime, config)
    if config.index:
        endpoints["/search"] = Searches(Index.load(config.index), config)
    if config.recommender:  # which needs more libraries than the others
        from yt8m_models.export.serve.recommendations import Recommendations
        from yt8m_models.recommendation.recommender import Recommender

        recommender = Recommender.load(config.recommender)
        endpoints["/recommend"] = Recommendations(recommender, config)
    return endpoints


def _timed_protocol(seconds: float) -> type[H11Protocol]:
    """Connections that are closed where a request is not whole in time."""

    class TimedProtocol(H11Protocol):
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._start()

        def connection_lost(self, error: Exception | None) -> None:
            self._stop()
            super().connection_lost(error)

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._start()

        def _start(self) -> None:
            self._stop()
            self._timer = self.loop.call_later(seconds, self._close_late)

        def _stop(self) -> None:
            if self._timer is not None:
                self._timer.cancel()

        def _close_late(self) -> None:
            if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
                self.transport.close()

    return TimedProtocol
