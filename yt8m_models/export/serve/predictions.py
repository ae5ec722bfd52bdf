"""`POST /predict`: predictions of videos."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from starlette.exceptions import HTTPException

from yt8m_models.export.best_classes import best_classes
from yt8m_models.export.examples import Video
from yt8m_models.export.export_dir import EMBEDDING
from yt8m_models.export.exported_model import ExportedModel
from yt8m_models.export.runtime import Runtime
from yt8m_models.export.serve.bodies import videos_of_bytes, videos_of_json
from yt8m_models.export.serve.config import ServeConfig
from yt8m_models.export.serve.endpoint import JSON, Endpoint


class Predictions(Endpoint[Video, np.ndarray]):
    """Predictions of an exported model.

    Args:
        model: what is served.
        runtime: its file, loaded.
        config: the limits.
    """

    def __init__(self, model: ExportedModel, runtime: Runtime, config: ServeConfig) -> None:
        super().__init__(config)
        self.model = model
        self.runtime = runtime

    @property
    def default_top_k(self) -> int:
        return self.model.top_k

    def read(self, content_type: str, body: bytes, top_k: int) -> list[Video]:
        parse = videos_of_json if content_type == JSON else videos_of_bytes
        return parse(body, self.model, self.config.max_videos)

    def find(self, asked: Sequence[Video]) -> list[np.ndarray]:
        return list(self.runtime(*self.model.inputs([video.values for video in asked])))

    def warm_up(self) -> None:
        width = sum(self.model.data.feature_sizes)
        shape = (1, width) if self.model.data.frame_features else (width,)
        self.find([Video(b"", np.zeros(shape, self.model.input_type))])

    def tell(self, asked: list[Video], found: list[np.ndarray], top_k: int) -> Mapping[str, Any]:
        outputs = np.stack(found)
        if not np.isfinite(outputs).all():
            raise HTTPException(500, "the model gave what is not a number")
        return {"predictions": self._described(asked, outputs, top_k)}

    def _described(
        self, videos: list[Video], outputs: np.ndarray, top_k: int
    ) -> list[dict[str, object]]:
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
