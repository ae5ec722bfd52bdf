"""Synthetic YouTube-8M records in the exact formats, with classes that a model can learn."""


def write_synthetic(
    output_dir: str,
    level: str = "frame",
    num_videos: int = 1000,
    num_shards: int = 4,
    seed: int = 0,
    num_classes: int = 3862,
    feature_names: tuple[str, ...] = (),
    feature_sizes: tuple[int, ...] = (1024, 128),
    min_frames: int = 120,
    max_frames: int = 300,
    vocabulary: str | None = None,
    prefix: str = "train",
    prototype_seed: int = 0,
    overwrite: bool = False,
    progress: bool = False,
) -> list[str]:
    """Writes synthetic records and returns the paths of the shards.

    The arguments are the fields of `SyntheticConfig`; `progress` shows a progress bar on stderr.

    Raises:
        ValueError: an argument is out of its range, the directory already has shards of that
            prefix and `overwrite` is false, or the vocabulary does not fit `num_classes`.
    """
    from yt8m_models.samples.synthetic.config import SyntheticConfig
    from yt8m_models.samples.synthetic.generator import write

    config = SyntheticConfig(
        output_dir=str(output_dir),
        level=level,
        num_videos=num_videos,
        num_shards=num_shards,
        prefix=prefix,
        seed=seed,
        prototype_seed=prototype_seed,
        num_classes=num_classes,
        vocabulary="" if vocabulary is None else str(vocabulary),
        feature_names=tuple(feature_names),
        feature_sizes=tuple(feature_sizes),
        min_frames=min_frames,
        max_frames=max_frames,
        overwrite=overwrite,
    )
    return write(config, progress=progress)
