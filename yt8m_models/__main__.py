"""`yt8m NAME …`: every program by its name; `yt8m --help` lists them."""

import importlib
import sys
from typing import Any, NoReturn

from yt8m_models import __version__
from yt8m_models.program.command import Program
from yt8m_models.program.completion import SHELLS, completion
from yt8m_models.program.help import print_page
from yt8m_models.program.option import closest

# By what a person wants to do: the name, the package of the program, and what it does.
GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "Train a model on records of videos": {
        "train": ("yt8m_models.training", "train, and resume an interrupted training"),
        "eval": ("eval", "measure loss, Hit@1, PERR, GAP and mAP of a model"),
        "inference": ("yt8m_models.prediction", "predict videos and write the submission file"),
        "plot": ("yt8m_models.training.plot", "draw the curves of a training"),
        "sweep": ("yt8m_models.sweep", "run a program with many settings, find the best"),
        "report": ("yt8m_models.report.report", "make a page of a training, tables, …"),
        "train-ubm": ("yt8m_models.gmm.train_ubm", "fit the mixture model of VLAD and SGMM"),
        "export": ("yt8m_models.export", "write a model for Serving, MediaPipe, ONNX and LiteRT"),
        "predict": (
            "yt8m_models.export.predict",
            "predict videos with an exported model, without TensorFlow",
        ),
        "serve": ("yt8m_models.export.serve", "answer requests with an exported model, by HTTP"),
        "import-checkpoint": (
            "yt8m_models.compat.import_checkpoint",
            "take over a TensorFlow 1 checkpoint",
        ),
    },
    "Compare and combine predictions": {
        "score": ("yt8m_models.prediction.score", "measure submission files by labelled records"),
        "ensemble": ("yt8m_models.prediction.ensemble", "average submission files"),
        "significance": ("eval.significance", "McNemar's test of two submission files"),
    },
    "Turn video files into records and labels": {
        "extract": ("yt8m_models.extraction.extract", "make records of video files"),
        "label": ("yt8m_models.extraction.label", "label video files with a trained model"),
        "demo": ("yt8m_models.demo", "serve a page that labels clips dropped on it"),
    },
    "Look at records and make some": {
        "inspect": ("yt8m_models.data.inspect", "report what is in record files"),
        "split": ("yt8m_models.data.split", "split records into validation and test"),
        "convert-records": (
            "yt8m_models.extraction.convert_records",
            "take over records of MediaPipe and AudioSet",
        ),
        "fit-pca": ("yt8m_models.extraction.fit_pca", "fit the PCA that reduces features"),
        "synthetic": ("yt8m_models.samples.synthetic", "write synthetic records"),
        "digits": ("yt8m_models.samples.digits", "write videos of handwritten digits"),
        "fashion": ("yt8m_models.samples.fashion", "write videos of Fashion-MNIST images"),
        "sample-clips": ("yt8m_models.samples.clips", "cut scenes of a package into video files"),
        "synthetic-world": ("yt8m_models.samples.world", "write a watch log and its videos"),
    },
    "Embed videos by what is watched together": {
        "build-features": ("yt8m_models.features.build_features", "make a table of features"),
        "build-graph": ("yt8m_models.graph.build_graph", "make a co-watch graph of a watch log"),
        "split-log": ("yt8m_models.graph.split_log", "split a watch log by time, for tests"),
        "train-embedding": ("yt8m_models.embedding.train", "train an embedding on triplets"),
        "embed": ("yt8m_models.embedding.embed", "write the embeddings of videos"),
        "evaluate-retrieval": (
            "yt8m_models.retrieval.evaluate_retrieval",
            "measure cold-start retrieval by embeddings",
        ),
    },
    "Search, recommend and label": {
        "build-index": ("yt8m_models.retrieval.build_index", "make embeddings searchable"),
        "search": ("yt8m_models.retrieval.search", "find similar videos"),
        "recommend": ("yt8m_models.recommendation.recommend", "recommend videos to users"),
        "glmix": ("yt8m_models.recommendation.glmix", "model what each user watches"),
        "annotate": ("yt8m_models.annotation.annotate", "train models that label videos"),
        "join-embeddings": (
            "yt8m_models.annotation.join_embeddings",
            "add embeddings to records as a feature",
        ),
    },
    "Repeat the papers' experiments": {
        "dsgmm-tables": ("yt8m_models.experiments.dsgmm", "tables and figures of DSGMM"),
        "cdml-tables": ("yt8m_models.experiments.cdml", "cold-start retrieval of CDML"),
        "watch-tables": ("yt8m_models.experiments.watch", "what users watch, of DSGMM"),
        "movielens": ("yt8m_models.movielens", "MovieLens tables of CDML"),
    },
}
PROGRAMS = {name: package for group in GROUPS.values() for name, (package, _) in group.items()}


def program(name: str) -> Program:
    """The program of a name in `PROGRAMS`."""
    return importlib.import_module(f"{PROGRAMS[name]}.__main__").PROGRAM


def run_program(name: str, **settings: Any) -> None:
    """Runs a program in this process, as `yt8m NAME` does on the command line.

    Args:
        name: of the program, such as `build-graph`.
        **settings: its flags by name, with the same defaults and rules.

    Raises:
        ValueError: there is no such program, a setting is unknown or wrong, or what the program
            reads is; the message names it.
        OSError: a file cannot be read or written.
        KeyboardInterrupt: it was interrupted.

    Example:
        >>> yt.run_program("build-graph", watch_log="watch_log.csv", output_dir="graph")
    """
    if name not in PROGRAMS:
        raise ValueError(f"there is no program {name!r}: {closest(name, list(PROGRAMS))}")
    program(name).call(**settings)


def run() -> NoReturn:
    """The console script."""
    name, *argv = sys.argv[1:] or ["--help"]
    if name in PROGRAMS:
        program(name).run(argv)
    if name == "completion":
        _print_completion(argv)
    if name in ("--help", "-h", "help"):
        print_page(_overview())
        sys.exit(0)
    if name == "--version":
        print(f"yt8m {__version__}")
        sys.exit(0)
    _fail(f"there is no program {name!r}: {closest(name, [*PROGRAMS, 'completion'])}")


def _overview() -> str:
    """The programs in their groups, a line each."""
    lines = ["usage: yt8m NAME [--flag=value …]", "       yt8m NAME --help"]
    for title, group in GROUPS.items():
        lines += ["", title]
        lines += [f"  {name:<18} {line}" for name, (_, line) in group.items()]
    lines += ["", "Besides", f"  {'completion':<18} print the completion of a shell: bash, zsh"]
    return "\n".join([*lines, f"  {'--version':<18} print the version"])


def _print_completion(argv: list[str]) -> NoReturn:
    """Prints the script of a shell; `words NAME` prints what the script asks for."""
    if argv[:1] == ["words"] and len(argv) == 2:
        print_page("\n".join(program(argv[1]).words() if argv[1] in PROGRAMS else ()))
    elif len(argv) == 1 and argv[0] in SHELLS:
        print_page(completion(argv[0], [*PROGRAMS, "completion"]))
    else:
        _fail(f"completion takes the name of a shell, {' or '.join(SHELLS)}")
    sys.exit(0)


def _fail(message: str) -> NoReturn:
    print(f"yt8m: {message}\nTry yt8m --help for all programs.", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    run()
