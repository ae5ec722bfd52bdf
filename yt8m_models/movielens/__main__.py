"""`yt8m movielens`: the MovieLens tables of the CDML paper."""

from yt8m_models.movielens.config import MovieLensConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m movielens",
    "Ranks the held-out movies of MovieLens users by the similarity of content vectors to the "
    "movies that a user rated before, beside matrix factorisation: Tables 4 and 5 and Figure 5 of "
    "the CDML paper, over several seeds, as results.csv, results.md and plots in --output_dir. The "
    "same command goes on where an interrupted one stopped.",
    MovieLensConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> int | None:
    from yt8m_models.movielens.experiment import run_movielens

    return run_movielens(arguments[MovieLensConfig])


if __name__ == "__main__":
    PROGRAM.run()
