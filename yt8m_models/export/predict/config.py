"""The flags of `yt8m predict`."""

from dataclasses import dataclass

from yt8m_models.export.config import RUNNABLE
from yt8m_models.prediction.config import InferenceConfig, RecordFlags, require_segment_flags
from yt8m_models.program.option import Options, option, same_option

JSON_LINES = ".jsonl"


@dataclass(frozen=True)
class PredictConfig(Options):
    """The model, the records, and where to write what.

    Raises:
        ValueError: flags of segments do not go together, or with JSON lines.
    """

    model: str = option("", "Directory of yt8m export.", required=True)
    format: str = option(
        "",
        "The file to run: onnx or litert; the first that is there unless given.",
        choices=RUNNABLE,
    )
    input_data_pattern: str = same_option(InferenceConfig, "input_data_pattern")
    output_file: str = option(
        "",
        "The file to write: a submission, CSV, or JSON lines where its name ends with .jsonl. It "
        "appears whole at the end, or not at all.",
        required=True,
    )
    top_k: int = same_option(InferenceConfig, "top_k")
    segment_labels: bool = same_option(InferenceConfig, "segment_labels")
    segment_max_pred: int = same_option(InferenceConfig, "segment_max_pred")
    segment_label_ids_file: str = same_option(InferenceConfig, "segment_label_ids_file")
    max_frames: int | None = same_option(RecordFlags, "max_frames")
    unequal_frames: str | None = same_option(RecordFlags, "unequal_frames")
    batch_size: int = option(32, "Videos in a batch.", at_least=1)
    num_threads: int = option(0, "Threads of the model; 0 for one a core.", at_least=0)
    num_readers: int = option(
        8,
        "Files that are read in turn, which is the order of the videos; yt8m inference with the "
        "same number has the same order.",
        at_least=1,
    )
    verify_checksums: bool = option(True, "Compare the records with their checksums.")
    max_bad_records: int = same_option(InferenceConfig, "max_bad_records")

    @property
    def as_json_lines(self) -> bool:
        """Whether the output is JSON lines, and not a submission."""
        return self.output_file.endswith(JSON_LINES)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_segment_flags(self.segment_labels, self.segment_label_ids_file)
        if self.segment_labels and self.as_json_lines:
            raise ValueError(
                "--segment_labels writes CSV, the best segments of each class: --output_file must "
                f"not end with {JSON_LINES}; received {self.output_file}"
            )
