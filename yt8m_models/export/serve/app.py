"""The application: what is answered to which request."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from yt8m_models.export.serve.endpoint import Endpoint

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class App:
    """Answers `POST` on the paths of endpoints, and `GET /health`, `/ready` and `/metrics`.

    Args:
        endpoints: by their paths.

    Attributes:
        endpoints: as above.
        is_ready: whether requests are welcome; set once all have run, and by what stops it.
        asgi: the application, as a server runs it.
    """

    def __init__(self, endpoints: dict[str, Endpoint[Any, Any]]) -> None:
        self.endpoints = endpoints
        self.is_ready = False
        self.asgi = Starlette(
            routes=[
                *(
                    Route(path, endpoint.respond, methods=["POST"])
                    for path, endpoint in endpoints.items()
                ),
                Route("/health", self._health),
                Route("/ready", self._ready),
                Route("/metrics", self._metrics),
            ],
            exception_handlers={HTTPException: _error},
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for endpoint in self.endpoints.values():
                await stack.enter_async_context(endpoint.running())
            self.is_ready = True
            yield

    async def _health(self, request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def _ready(self, request: Request) -> Response:
        if self.is_ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse("stopping\n", 503)

    async def _metrics(self, request: Request) -> Response:
        text = "".join(endpoint.metrics.text() for endpoint in self.endpoints.values())
        return Response(text, media_type=_METRICS_TYPE)


async def _error(request: Request, error: Exception) -> Response:
    refusal = cast("HTTPException", error)  # the one kind that it is registered for
    return JSONResponse({"error": refusal.detail}, refusal.status_code, refusal.headers)
