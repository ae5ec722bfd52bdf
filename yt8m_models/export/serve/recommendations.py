"""`POST /recommend`: videos for users, by what they watched."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from yt8m_models.export.serve.bodies import require_few, users_of
from yt8m_models.export.serve.config import ServeConfig
from yt8m_models.export.serve.endpoint import JSON, Endpoint
from yt8m_models.export.serve.metrics import RECOMMENDATIONS
from yt8m_models.recommendation.histories import Histories
from yt8m_models.recommendation.recommender import Recommender

_TOP_K = 20


class Asking(NamedTuple):
    """A user, what it watched, and how many videos it gets."""

    user: str
    histories: Histories
    top_k: int


class Recommendations(Endpoint[Asking, tuple[np.ndarray, np.ndarray]]):
    """Answers of a recommender that was fitted.

    Args:
        recommender: who watched what, and the index.
        config: the limits.
    """

    most_top_k = 1000

    def __init__(self, recommender: Recommender, config: ServeConfig) -> None:
        super().__init__(config, RECOMMENDATIONS)
        self.recommender = recommender

    @property
    def default_top_k(self) -> int:
        return _TOP_K

    def read(self, content_type: str, body: bytes, top_k: int) -> list[Asking]:
        if content_type != JSON:
            raise ValueError(f"the Content-Type must be {JSON}")
        users = users_of(body)
        require_few(len(users), self.config.max_videos)
        asked = [Asking(user, self.recommender.histories_of(user), top_k) for user in users]
        for user, histories, _ in asked:
            if not len(histories.users):
                raise ValueError(f"user {user[:80]!r} watched no known video")
        return asked

    def find(self, asked: Sequence[Asking]) -> list[tuple[np.ndarray, np.ndarray]]:
        return [self.recommender.best(histories, top_k) for _, histories, top_k in asked]

    def warm_up(self) -> None:
        pass

    def tell(
        self, asked: list[Asking], found: list[tuple[np.ndarray, np.ndarray]], top_k: int
    ) -> Mapping[str, Any]:
        return {
            "recommendations": [
                {"user": user, "ids": ids.tolist(), "scores": scores.tolist()}
                for (user, *_), (ids, scores) in zip(asked, found, strict=True)
            ]
        }
