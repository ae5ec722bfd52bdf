"""Imports a TensorFlow 1 checkpoint: `yt8m import-checkpoint`."""

from yt8m_models.compat.import_checkpoint.config import ImportConfig
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.original_flags import OriginalFlags, translate
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m import-checkpoint",
    "Turn a TensorFlow 1 checkpoint of the starter code, WILLOW or NeXtVLAD into a --train_dir of "
    "this project: for inference, evaluation and further training. Sizes are read from the "
    "checkpoint and the rest from its model_flags.json, from flags and from the model's preset.",
    ImportConfig,
    DataConfig,
    ModelConfig,
    OriginalFlags,
    translate=translate,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.compat.import_checkpoint.importer import import_checkpoint

    flags = {**vars(arguments[DataConfig]), **vars(arguments[ModelConfig])}
    given = {name: value for name, value in flags.items() if name in arguments.given}
    print(import_checkpoint(arguments[ImportConfig], given))


if __name__ == "__main__":
    PROGRAM.run()
