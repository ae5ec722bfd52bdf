"""The flags of `yt8m export`, without TensorFlow."""

from dataclasses import dataclass

from yt8m_models.prediction.config import ModelSource, require_one_source
from yt8m_models.program.option import Options, option, same_option

SAVED_MODEL, MEDIAPIPE, ONNX, LITERT, KERAS, HUB = FORMATS = (
    *("saved_model", "mediapipe", "onnx", "litert", "keras", "hf"),
)
RUNNABLE = (ONNX, LITERT)  # without TensorFlow
FLOAT32, UINT8 = INPUT_TYPES = ("float32", "uint8")
EXACT, DYNAMIC = QUANTIZATIONS = ("none", "dynamic")


@dataclass(frozen=True)
class ExportConfig(Options):
    """What to export, and to what.

    Raises:
        ValueError: neither or both of `train_dir` and `input_model_tgz` are given, or `quantize`
            without a format that it is for.
    """

    train_dir: str = option(
        "",
        "Directory of the training whose model is exported: of yt8m train or yt8m train-embedding, "
        "or one run of yt8m annotate (runs/FEATURES/mixturesN).",
    )
    checkpoint: str = same_option(ModelSource, "checkpoint")
    input_model_tgz: str = same_option(ModelSource, "input_model_tgz")
    output_dir: str = option(
        "",
        "Directory that receives the files. It appears whole at the end, or not at all.",
        required=True,
    )
    format: tuple[str, ...] = option(
        (SAVED_MODEL,),
        "What to write: saved_model (TensorFlow Serving), mediapipe, onnx, litert, keras, hf (a "
        "folder for the Hugging Face Hub, which load_model reads). onnx and litert need the extra "
        "`export`, hf needs `hub`.",
        required=True,
        choices=FORMATS,
        distinct=True,
    )
    input_type: str = option(
        FLOAT32,
        "What onnx and litert take of frames: float32, dequantised, or uint8, as recorded. A "
        "SavedModel has a signature for each.",
        choices=INPUT_TYPES,
    )
    quantize: str = option(
        EXACT,
        "Weights of onnx and litert: none leaves them as they are, dynamic stores those of matrix "
        "products in 8 bits.",
        choices=QUANTIZATIONS,
    )
    top_k: int = option(20, "Classes of each record in serving_default.", at_least=1)
    vocabulary: str = option(
        "", "CSV with the columns Index and Name: names of the classes, for labels.txt and hf."
    )
    license: str = option(
        "Apache-2.0",
        "Licence of the weights, by its SPDX name, for the model cards.",
        required=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_source(self.train_dir, self.input_model_tgz, self.checkpoint)
        if self.quantize != EXACT and not {ONNX, LITERT} & set(self.format):
            raise ValueError(
                f"--quantize={self.quantize} is for --format=onnx and litert; received "
                f"--format={','.join(self.format)}"
            )
