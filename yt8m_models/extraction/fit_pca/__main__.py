"""`yt8m fit-pca`: the PCA that reduces and whitens features."""

import sys

from yt8m_models.extraction.fit_pca.config import FitPCAConfig
from yt8m_models.program.command import Arguments, Program
from yt8m_models.program.interruption import Interruption

PROGRAM = Program(
    "yt8m fit-pca",
    "Fits a whitening PCA on one feature of records, or on arrays, in one pass, and writes it as "
    "YouTube-8M's own: y = ((x - mean) · eigenvecs) / √(eigenvals + 1e-4).",
    FitPCAConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> int | None:
    from yt8m_models.extraction.fit_pca.fitting import fit_pca

    config = arguments[FitPCAConfig]
    with Interruption() as interruption:
        summary = fit_pca(config, interruption, progress=True)
    if summary is None:
        return interruption.signal
    pca = summary.pca
    print(
        f"{pca.size:,} of {pca.input_size:,} components, fitted on {summary.num_rows:,} rows, in "
        f"{config.output_dir}\nvariance that the first components explain:"
    )
    number = 1
    while number < pca.size:
        print(f"{number:>6,}  {summary.explained[number - 1]:7.2%}")
        number *= 2
    print(f"{pca.size:>6,}  {summary.explained[-1]:7.2%}")
    if summary.problems:
        print(summary.problems, file=sys.stderr)
    return None


if __name__ == "__main__":
    PROGRAM.run()
