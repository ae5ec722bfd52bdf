"""`yt8m export`: a trained model for other programs."""

from yt8m_models.export.config import ExportConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m export",
    "Write a trained model for other programs: TensorFlow Serving, MediaPipe, ONNX, LiteRT, "
    "Keras and the Hugging Face Hub. What was written is loaded and compared with the model before "
    "it is kept.",
    ExportConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.export.exporting import export

    config = arguments[ExportConfig]
    export(config)
    print(f"Wrote {config.output_dir}: export.json and model_card.md say what is there.")


if __name__ == "__main__":
    PROGRAM.run()
