"""Features of video files: decoding in threads, networks in batches across videos."""

import contextlib
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from yt8m_models.backbones.audio_models import audio_model
from yt8m_models.backbones.image_models import image_model
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.decoding import Ahead, decoded_ahead
from yt8m_models.extraction.feature_values import FeatureValues, FrameValues, MeanValues
from yt8m_models.extraction.pca import PCA, read_pca
from yt8m_models.extraction.thumbnails import Thumbnails
from yt8m_models.extraction.video_list import Video
from yt8m_models.media.clip import Clip
from yt8m_models.program import extras
from yt8m_models.program.interruption import Interruption

Tick = tuple[np.ndarray | None, np.ndarray | None]

KINDS = ("rgb", "audio")  # in the order of a `Tick`


@dataclass(frozen=True)
class Extracted:
    """The features of a video.

    Attributes:
        video: which.
        features: by name, as the record has them: frames, uint8 or float32 `(num_frames, size)`,
            or at video level their mean, float32 `(size,)`.
        num_frames: frames that were taken.
        has_sound: whether the file has sound; otherwise the features are of silence. `None` where
            there are none of sound.
        damaged_packets: packets of the file that could not be decoded, and were left out.
        clipped: share of the values that lay outside of the range of 8 bits, by feature.
        thumbnails: of the video, where they were asked for.
    """

    video: Video
    features: dict[str, np.ndarray]
    num_frames: int
    has_sound: bool | None
    damaged_packets: int
    clipped: dict[str, float]
    thumbnails: Thumbnails | None


@dataclass(frozen=True)
class Failure:
    """A video that could not be read, and why."""

    video: Video
    reason: str


class Extractor:
    """Makes the features of video files as `ExtractionConfig` says.

    Args:
        config: how.

    Attributes:
        sizes: width of each feature, by its name in records.
        settings: what the features depend on, by flag, as JSON takes it: of networks and PCAs what
            is in the files, not their paths.

    Raises:
        ValueError: a network, its weights or a PCA cannot be used, or a library is missing.
        OSError: a file cannot be read.
    """

    def __init__(self, config: ExtractionConfig) -> None:
        extras.require("av", extra="video")
        self.config = config
        self._networks = {kind: network for kind in KINDS if (network := _network(config, kind))}
        rgb = self._networks.get("rgb")
        self._run_length = rgb.model.run_length if rgb else 1
        self._batch_size = -(-config.batch_size // self._run_length) * self._run_length
        self.sizes = {
            config.feature_name(kind): network.size for kind, network in self._networks.items()
        }
        self.settings: dict[str, Any] = {
            "frames_per_second": str(config.rate),
            "audio_hop": str(config.hop),
            "level": config.level,
            "quantize": "yt8m" if config.is_quantized else "none",
        }
        for kind in KINDS:
            network = self._networks.get(kind)
            self.settings[f"{kind}_model"] = network.model.settings if network else "none"
            pca = network.pca if network else None
            self.settings[f"{kind}_pca"] = pca.settings if pca else "none"

    def extract(
        self, groups: Sequence[Sequence[Video]], thumbnails: bool = False
    ) -> Generator[Extracted | Failure, None, None]:
        """Gives the features of each video, in the order of the videos.

        A batch of the networks has the frames of as many videos as it takes, but of one group
        alone, so that it depends on nothing else. Where a network looks at runs of frames together,
        it has those of one video.

        Args:
            groups: the videos.
            thumbnails: take thumbnails too.

        A signal that asks to stop is heeded between two frames: an exception within could leave a
        lock taken, for which a decoding thread would wait for ever.

        Raises:
            ValueError: a feature is not a number; the message names the video.
            KeyboardInterrupt: a signal asked to stop.
        """
        clips = (_Clip(video, self.config, thumbnails) for group in groups for video in group)
        decoded = decoded_ahead(clips, self.config.num_threads, _num_bytes)
        with Interruption() as interruption, contextlib.closing(decoded):
            for group in groups:
                yield from self._extract_group(len(group), decoded, interruption)

    def _extract_group(
        self, num_videos: int, decoded: Iterator[Ahead[Tick]], interruption: Interruption
    ) -> Iterator[Extracted | Failure]:
        unfinished: deque[_Features] = deque()
        batch: list[tuple[_Features, Tick]] = []
        for _ in range(num_videos):
            interruption.check()
            ahead = next(decoded)
            features = _Features(ahead.video, self._networks)
            unfinished.append(features)
            try:
                for tick in ahead:
                    interruption.check()
                    batch.append((features, tick))
                    features.num_waiting += 1
                    if len(batch) == self._batch_size:
                        self._compute(batch)
            except (ValueError, OSError) as error:
                features.failure = str(error)
            features.is_decoded = True
            if self._run_length > 1:
                self._compute(batch)
            while unfinished and unfinished[0].is_finished:
                yield unfinished.popleft().result()
        self._compute(batch)
        while unfinished:
            yield unfinished.popleft().result()

    def _compute(self, batch: "list[tuple[_Features, Tick]]") -> None:
        """Gives each video the values of its frames in a batch, which is then empty."""
        if not batch:
            return
        starts = [
            place
            for place, (features, _) in enumerate(batch)
            if place == 0 or features is not batch[place - 1][0]
        ]
        for place, kind in enumerate(KINDS):
            if kind in self._networks:
                values = self._networks[kind]([tick[place] for _, tick in batch])
                for start, end in zip(starts, [*starts[1:], len(batch)], strict=True):
                    batch[start][0].add(kind, values[start:end])
        for start, end in zip(starts, [*starts[1:], len(batch)], strict=True):
            batch[start][0].num_waiting -= end - start
        batch.clear()


class _Network:
    """A network and the PCA behind it."""

    def __init__(self, model: Any, pca: PCA | None, stack: Callable[..., Any]) -> None:
        self.model = model
        self.pca = pca
        self.size: int = model.size if pca is None else pca.size
        self._stack = stack

    def __call__(self, inputs: Sequence[Any]) -> np.ndarray:
        values: np.ndarray = self.model(self._stack(inputs))
        return values if self.pca is None else self.pca(values)


class _Clip:
    """The frames and patches of a video, whose thumbnails are taken on the way."""

    def __init__(self, video: Video, config: ExtractionConfig, thumbnails: bool) -> None:
        self.video = video
        self.config = config
        self.thumbnails = Thumbnails(config.rate) if thumbnails else None
        self.clip = Clip(
            video.path,
            config.rate,
            config.hop,
            config.max_frames,
            pictures=config.rgb_model != "none" or thumbnails,
            sound=config.audio_model != "none",
        )

    def __iter__(self) -> Iterator[Tick]:
        for image, patch in self.clip:
            if self.thumbnails is not None and image is not None:
                self.thumbnails.add(image)
            yield image, patch
        if self.thumbnails is not None:
            self.thumbnails.finish()


class _Features:
    """The features of a video that is worked on."""

    def __init__(self, clip: Any, networks: dict[str, _Network]) -> None:
        self.clip: _Clip = clip
        self.num_waiting = 0
        self.is_decoded = False
        self.failure: str | None = None
        config = self.clip.config
        self.values: dict[str, FeatureValues] = {
            kind: FrameValues(config.is_quantized) if config.level == "frame" else MeanValues()
            for kind in networks
        }

    @property
    def is_finished(self) -> bool:
        return self.is_decoded and (self.failure is not None or self.num_waiting == 0)

    def add(self, kind: str, values: np.ndarray) -> None:
        """Takes the values of the next frames, float32 `(frames, size)`."""
        try:
            self.values[kind].add(values)
        except ValueError as error:
            raise ValueError(f"{self.clip.video.path}: feature {kind!r}: {error}") from error

    def result(self) -> Extracted | Failure:
        clip, video = self.clip.clip, self.clip.video
        if self.failure is not None:
            return Failure(video, self.failure)
        name = self.clip.config.feature_name
        return Extracted(
            video,
            {name(kind): values.result() for kind, values in self.values.items()},
            clip.num_frames,
            clip.has_sound if "audio" in self.values else None,
            clip.damaged_packets,
            {name(kind): values.clipped for kind, values in self.values.items()},
            self.clip.thumbnails,
        )


def _network(config: ExtractionConfig, kind: str) -> _Network | None:
    name, weights, path = (
        getattr(config, f"{kind}_{what}") for what in ("model", "weights", "pca")
    )
    if name == "none":
        return None
    pca = read_pca(path) if path else None
    if kind == "rgb":
        return _Network(image_model(name, weights), pca, list)
    return _Network(audio_model(name, weights), pca, np.stack)


def _num_bytes(tick: Tick) -> int:
    return sum(part.nbytes for part in tick if part is not None)
