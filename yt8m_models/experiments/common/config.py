"""The flags that experiments have in common."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class ExperimentConfig(Options):
    """Which tables and figures of a paper to make, one at least, and where the results go."""

    tables: tuple[int, ...] = option((), "Tables of the paper.")
    figures: tuple[int, ...] = option((), "Figures of the paper.")
    rows: tuple[str, ...] = option(
        (), "Rows to run and to report, by names or patterns such as cdml*,dsgmm; all of them."
    )
    seeds: tuple[int, ...] = option(
        (0, 1, 2),
        "Each row is trained once with each of these seeds.",
        required=True,
        at_least=0,
        distinct=True,
    )
    output_dir: str = option(
        "", "Directory for the results, and for the runs that they come from.", required=True
    )
    dry_run: bool = option(
        False, "List the runs, whether they are done and how they are trained, and train nothing."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.tables and not self.figures:
            raise ValueError("--tables or --figures must name one; received neither")
