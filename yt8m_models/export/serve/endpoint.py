"""A path that is posted to: how its requests are read, counted, and answered together."""

import abc
import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Generic

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from yt8m_models.export.serve.batcher import Asked, Batcher, Busy, Found
from yt8m_models.export.serve.bodies import TooMany
from yt8m_models.export.serve.config import ServeConfig
from yt8m_models.export.serve.metrics import PREDICTIONS, Metrics

JSON, BINARY = "application/json", "application/octet-stream"


class Endpoint(abc.ABC, Generic[Asked, Found]):
    """Answers requests, each of which asks for one thing or for several.

    Those of all requests that wait are answered together (`Batcher`). A subclass says how a body is
    read, how what was asked is found, and what is told of it.

    Args:
        config: the limits.
        kind: of the figures that are counted, as of `Metrics`.

    Attributes:
        metrics: what was counted.
        most_top_k: how many may be asked for of each; as many as there are if it is `None`.
    """

    most_top_k: int | None = None

    def __init__(self, config: ServeConfig, kind: str = PREDICTIONS) -> None:
        self.config = config
        self.metrics = Metrics(lambda: self._batcher.num_waiting, kind)
        self._batcher: Batcher[Asked, Found] = Batcher(
            lambda asked: self.find(asked),
            config.max_batch,
            config.max_wait_ms / 1000,
            config.max_waiting,
            self.metrics.add_batch,
        )

    @property
    @abc.abstractmethod
    def default_top_k(self) -> int:
        """How many to tell of each unless the request says it."""

    @abc.abstractmethod
    def read(self, content_type: str, body: bytes, top_k: int) -> list[Asked]:
        """What a body asks for.

        Raises:
            ValueError: it is something else; says what. `TooMany` where it asks for too much.
        """

    @abc.abstractmethod
    def find(self, asked: Sequence[Asked]) -> Sequence[Found]:
        """What is found of each; runs in a thread."""

    @abc.abstractmethod
    def tell(self, asked: list[Asked], found: list[Found], top_k: int) -> Mapping[str, Any]:
        """The answer."""

    @abc.abstractmethod
    def warm_up(self) -> None:
        """Does once what takes longer the first time."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Requests can be answered within the block."""
        async with self._batcher:
            await asyncio.to_thread(self.warm_up)
            yield

    async def respond(self, request: Request) -> Response:
        """The response to a request, which is counted."""
        start, status = time.monotonic(), 500
        try:
            response = await self._answer(request)
            status = response.status_code
            return response
        except HTTPException as error:
            status = error.status_code
            raise
        except ClientDisconnect:
            status = 499  # as servers count those who left
            return Response(status_code=400)
        finally:
            self.metrics.requests[status] += 1
            self.metrics.request_seconds.add(time.monotonic() - start)

    async def _answer(self, request: Request) -> Response:
        seconds = self.config.timeout_seconds
        content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if content_type not in (JSON, BINARY):
            raise HTTPException(415, f"the Content-Type must be {JSON} or {BINARY}")
        top_k = self._top_k(request)
        try:
            body = await asyncio.wait_for(self._body(request), seconds)
        except asyncio.TimeoutError:
            late = f"the request did not come within {seconds:g} s"
            raise HTTPException(408, late, headers={"Connection": "close"}) from None
        try:
            asked = await asyncio.to_thread(self.read, content_type, body, top_k)
        except TooMany as error:
            raise HTTPException(413, str(error)) from None
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        try:
            found = await asyncio.wait_for(self._batcher.predict(asked), seconds)
        except (Busy, asyncio.TimeoutError):
            again = {"Retry-After": "1"}
            raise HTTPException(503, "too many requests wait", again) from None
        return JSONResponse(self.tell(asked, found, top_k))

    def _top_k(self, request: Request) -> int:
        text = request.query_params.get("top_k", str(self.default_top_k))
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
            raise HTTPException(400, "top_k must be a whole number, at least 1")
        if self.most_top_k is not None and int(text) > self.most_top_k:
            raise HTTPException(400, f"top_k must be at most {self.most_top_k:,}")
        return int(text)

    async def _body(self, request: Request) -> bytes:
        most = math.floor(self.config.max_body_mb * 1e6)
        too_large = HTTPException(413, f"the body must have {self.config.max_body_mb:g} MB at most")
        length = request.headers.get("content-length", "0")
        if int(length[:18]) > most:
            raise too_large
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise too_large
        return bytes(body)
