"""The application: what is answered to which request."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator
from typing import cast

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from yt8m_models.export.best_classes import best_classes
from yt8m_models.export.examples import Video
from yt8m_models.export.export_dir import EMBEDDING
from yt8m_models.export.exported_model import ExportedModel
from yt8m_models.export.runtime import Runtime
from yt8m_models.export.serve.batcher import Batcher, Busy
from yt8m_models.export.serve.bodies import TooMany, videos_of_bytes, videos_of_json
from yt8m_models.export.serve.config import ServeConfig
from yt8m_models.export.serve.metrics import Metrics

_PARSERS = {"application/json": videos_of_json, "application/octet-stream": videos_of_bytes}
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class App:
    """Answers `POST /predict`, and `GET /health`, `/ready` and `/metrics`.

    Args:
        model: what is served.
        runtime: its file, loaded.
        config: the limits.

    Attributes:
        is_ready: whether requests are welcome; set once the model has run, and by what stops it.
        metrics: what was counted.
        asgi: the application, as a server runs it.
    """

    def __init__(self, model: ExportedModel, runtime: Runtime, config: ServeConfig) -> None:
        self.model = model
        self.runtime = runtime
        self.config = config
        self.is_ready = False
        self.metrics = Metrics(lambda: self._batcher.num_waiting)
        self._batcher = Batcher(
            lambda videos: self.runtime(*model.inputs(videos)),
            config.max_batch,
            config.max_wait_ms / 1000,
            config.max_waiting,
            self.metrics.add_batch,
        )
        self.asgi = Starlette(
            routes=[
                Route("/predict", self._predict, methods=["POST"]),
                Route("/health", self._health),
                Route("/ready", self._ready),
                Route("/metrics", self._metrics),
            ],
            exception_handlers={HTTPException: _error},
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        width = sum(self.model.data.feature_sizes)
        shape = (1, width) if self.model.data.frame_features else (width,)
        async with self._batcher:
            await asyncio.to_thread(
                self.runtime, *self.model.inputs([np.zeros(shape, self.model.input_type)])
            )
            self.is_ready = True
            yield

    async def _health(self, request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def _ready(self, request: Request) -> Response:
        if self.is_ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse("stopping\n", 503)

    async def _metrics(self, request: Request) -> Response:
        return Response(self.metrics.text(), media_type=_METRICS_TYPE)

    async def _predict(self, request: Request) -> Response:
        start, status = time.monotonic(), 500
        try:
            response = await self._predictions(request)
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

    async def _predictions(self, request: Request) -> Response:
        config = self.config
        parse = _PARSERS.get(request.headers.get("content-type", "").split(";")[0].strip().lower())
        if parse is None:
            raise HTTPException(415, f"the Content-Type must be {' or '.join(_PARSERS)}")
        top_k = self._top_k(request)
        try:
            body = await asyncio.wait_for(self._body(request), config.timeout_seconds)
        except asyncio.TimeoutError:
            late = f"the request did not come within {config.timeout_seconds:g} s"
            raise HTTPException(408, late, headers={"Connection": "close"}) from None
        try:
            videos = await asyncio.to_thread(parse, body, self.model, config.max_videos)
        except TooMany as error:
            raise HTTPException(413, str(error)) from None
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        try:
            outputs = await asyncio.wait_for(
                self._batcher.predict([video.values for video in videos]), config.timeout_seconds
            )
        except (Busy, asyncio.TimeoutError):
            again = {"Retry-After": "1"}
            raise HTTPException(503, "too many requests wait for the model", again) from None
        if not np.isfinite(outputs).all():
            raise HTTPException(500, "the model gave what is not a number")
        return JSONResponse({"predictions": self._described(videos, outputs, top_k)})

    def _top_k(self, request: Request) -> int:
        text = request.query_params.get("top_k", str(self.model.top_k))
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
            raise HTTPException(400, "top_k must be a whole number, at least 1")
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

    def _described(
        self, videos: list[Video], outputs: np.ndarray, top_k: int
    ) -> list[dict[str, object]]:
        """What is told of each video."""
        ids = [video.video_id.decode(errors="replace") for video in videos]
        if self.model.kind == EMBEDDING:
            return [
                {"id": video_id, "embedding": output.tolist()}
                for video_id, output in zip(ids, outputs, strict=True)
            ]
        names = self.model.class_names
        return [
            {
                "id": video_id,
                "classes": best.tolist(),
                "labels": [names[index] for index in best] if names else [],
                "scores": values.tolist(),
            }
            for video_id, best, values in zip(ids, *best_classes(outputs, top_k), strict=True)
        ]


async def _error(request: Request, error: Exception) -> Response:
    refusal = cast("HTTPException", error)  # the one kind that it is registered for
    return JSONResponse({"error": refusal.detail}, refusal.status_code, refusal.headers)
