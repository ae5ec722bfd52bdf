"""Cold-start retrieval in a synthetic world: CDML over raw features, rgb and audio over rgb."""

import sys
from contextlib import redirect_stdout
from pathlib import Path

from benchmarks.figure import Figure
from yt8m_models.config import DataConfig
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.embed.config import EmbedConfig
from yt8m_models.embedding.embed.embedding import embed
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.embedding.training.trainer import train
from yt8m_models.features.build_features.building import build_features
from yt8m_models.features.build_features.config import BuildFeaturesConfig
from yt8m_models.graph.build_graph.building import build_graph
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.retrieval.evaluation.config import EvaluateRetrievalConfig
from yt8m_models.retrieval.evaluation.evaluation import evaluate_retrieval
from yt8m_models.samples.world.config import WorldConfig
from yt8m_models.samples.world.writing import write_world

_VIDEOS, _USERS = 10_000, 10_000
_NAMES = ("mean_rgb", "mean_audio")
_MODEL = EmbeddingConfig(fusion="late", hidden_size=(256,), embedding_size=64)
_STEPS, _TRIPLETS = 400, 512


def figures(workdir: Path) -> list[Figure]:
    """NDCG@10 of evaluation videos for training videos (T2E), as ratios.

    10,000 videos and users; late fusion 256-64 after 400 steps of 512 semi-hard triplets. Raw
    features are those of rgb and audio, each of length 1, compared by their cosine.
    """
    world = write_world(WorldConfig(str(workdir / "world"), num_videos=_VIDEOS, num_users=_USERS))
    build_graph(BuildGraphConfig(watch_log=world.watch_log, output_dir=str(workdir / "graph")))
    build_features(
        BuildFeaturesConfig(data_pattern=world.video_pattern, output_dir=str(workdir / "features")),
        DataConfig(feature_names=_NAMES, feature_sizes=(1024, 128)),
    )
    features_dir = str(workdir / "features")
    embed(EmbedConfig(raw=True, features_dir=features_dir, output_dir=str(workdir / "raw")))
    for name, names in (("rgb", _NAMES[:1]), ("both", _NAMES)):
        _train(workdir, name, names)
    evaluation = evaluate_retrieval(
        EvaluateRetrievalConfig(
            graph_dir=str(workdir / "graph"),
            embeddings_dirs=tuple(f"{name}={workdir / name}" for name in ("raw", "rgb", "both")),
            bits=(32,),
            directions=("T2E",),
            output_dir=str(workdir / "retrieval"),
        )
    )
    found = {name: result.ndcg for (name, _, _), result in evaluation.results.items()}
    detail = {f"{name}_ndcg": value for name, value in found.items()}
    compared = (
        ("CDML over raw features", "raw", 2.0),
        ("late fusion of rgb and audio over rgb", "rgb", 1.2),
    )
    return [
        Figure(f"cold-start NDCG@10, {title}", found["both"] / found[name], bound, detail=detail)
        for title, name, bound in compared
    ]


def _train(workdir: Path, name: str, features: tuple[str, ...]) -> None:
    """Trains on some of the features, and embeds all videos."""
    config = EmbeddingTrainConfig(
        train_dir=str(workdir / f"train_{name}"),
        graph_dir=str(workdir / "graph"),
        features_dir=str(workdir / "features"),
        feature_names=features,
        batch_size=_TRIPLETS,
        max_steps=_STEPS,
        export_model_steps=_STEPS // 4,
        log_steps=_STEPS // 4,
        projector_videos=0,
    )
    with redirect_stdout(sys.stderr):  # the table of figures is what goes to standard output
        train(config, _MODEL)
    embed(
        EmbedConfig(
            train_dir=config.train_dir,
            features_dir=config.features_dir,
            output_dir=str(workdir / name),
        )
    )
