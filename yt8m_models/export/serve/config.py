"""The flags of `yt8m serve`."""

from dataclasses import dataclass

from yt8m_models.export.config import RUNNABLE
from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class ServeConfig(Options):
    """What answers, where to listen, and how much at most."""

    model: str = option("", "Directory of yt8m export: answer /predict.")
    index: str = option("", "Directory of yt8m build-index: answer /search.")
    recommender: str = option(
        "", "Directory of yt8m recommend --recommender_dir: answer /recommend."
    )
    format: str = option(
        "",
        "The file to run: onnx or litert; the first that is there unless given.",
        choices=RUNNABLE,
    )
    host: str = option(
        "127.0.0.1", "Address to listen on; 0.0.0.0 for every network.", required=True
    )
    port: int = option(
        8080, "Port to listen on; 0 for any that is free.", at_least=0, at_most=65535
    )
    num_threads: int = option(0, "Threads of the model; 0 for one a core.", at_least=0)
    max_batch: int = option(32, "Videos that the model is given at a time.", at_least=1)
    max_wait_ms: float = option(
        2.0, "Milliseconds that a video waits for others to be in its batch.", at_least=0
    )
    max_waiting: int = option(
        256, "Videos that wait; a request that would make them more is refused (503).", at_least=1
    )
    max_videos: int = option(64, "Videos, queries or users in a request (413).", at_least=1)
    max_body_mb: float = option(16.0, "Megabytes of a request (413).", above=0)
    max_connections: int = option(1000, "Connections at a time (503).", at_least=1)
    timeout_seconds: float = option(
        30.0, "Until a request must have come (408), and then be answered (503).", above=0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not any(map(str.strip, (self.model, self.index, self.recommender))):
            raise ValueError("--model, --index or --recommender must be given; received none")
        self.require_at_most("max_videos", "max_waiting")
