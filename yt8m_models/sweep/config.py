"""The flags of `yt8m sweep`, without Optuna."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option

TPE, RANDOM, GRID = SAMPLERS = ("tpe", "random", "grid")
MAXIMIZE, MINIMIZE = DIRECTIONS = ("maximize", "minimize")


@dataclass(frozen=True)
class SweepConfig(Options):
    """What to run, with which settings, and what is best."""

    command: tuple[str, ...] = option(
        (),
        "The program, by its name, and the flags that all trials have: what follows --. Each "
        "trial has a --train_dir, or an --output_dir, of its own.",
        required=True,
    )
    space: str = option(
        "",
        "The flags to vary, with semicolons between: values (margin=0.1,0.3), or a range, "
        "uniform(0,1) or log(1e-4,0.1), of whole numbers where the flag takes those. A value with "
        'commas stands in quotation marks (hidden_size=256,"512,256"); flags that vary together '
        "have slashes between (margin/mining=0/hardest,0.1/semi_hard).",
        required=True,
    )
    objective: str = option(
        "",
        "The column of --objective_file by whose best value a trial is judged, such as ndcg, loss "
        "or gap.",
        required=True,
    )
    objective_file: str = option(
        "",
        "A file in CSV, in a trial's directory; validation.csv of a training unless given, and "
        "results.csv of other programs.",
    )
    direction: str = option(
        MAXIMIZE, "Whether the highest or the lowest value is the best.", choices=DIRECTIONS
    )
    output_dir: str = option(
        "", "Directory for the trials and for what they found; on this machine.", required=True
    )
    sampler: str = option(
        TPE,
        "How settings are chosen: near those that did well (tpe), at random, or all of a grid, in "
        "an order that the seed decides.",
        choices=SAMPLERS,
    )
    trials: int | None = option(
        None,
        "How many trials there are to be in all, failed ones too. More can be added later.",
        at_least=1,
        unless_given="20, or the whole grid",
    )
    max_failed_trials: int = option(
        5, "Stop where more trials than this have failed; they are left out.", at_least=0
    )
    seed: int = option(0, "Seed of the choice of settings.", at_least=0)
    dry_run: bool = option(False, "Print the commands of the first trials, and run nothing.")
