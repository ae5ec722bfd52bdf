"""The training program: `yt8m-train`, `python -m yt8m_models.training`, `train.py`."""

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.original_flags import OriginalFlags, translate
from yt8m_models.program.command import Arguments, Program
from yt8m_models.training.config import TrainConfig

PROGRAM = Program(
    "yt8m-train",
    "Trains a model on YouTube-8M records, and resumes where an earlier run in the same "
    "--train_dir stopped.",
    TrainConfig,
    DataConfig,
    ModelConfig,
    OriginalFlags,
    translate=translate,
)


def main(arguments: Arguments) -> None:
    """Trains as the command line says; after signal n, saves and exits with 128 + n."""
    config = arguments[TrainConfig]
    if config.list_models:
        from yt8m_models.models.listing import list_models

        print(list_models())
        return

    import tensorflow as tf

    from yt8m_models.storage import filesystems
    from yt8m_models.training.trainer import train

    if config.deterministic and tf.config.list_physical_devices("GPU"):
        tf.config.experimental.enable_op_determinism()
    result = train(config, arguments[DataConfig], arguments[ModelConfig])
    if result["signal"] is not None:
        filesystems.exit_cleanly(128 + result["signal"])


def run() -> None:
    """The console script."""
    PROGRAM.run(main)


if __name__ == "__main__":
    run()
