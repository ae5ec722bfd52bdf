"""Tests of `yt8m_models.recipes.embedding` and of `yt8m train-embedding --recipe`."""

import re
import shlex
from pathlib import Path

import pytest

from yt8m_models.__main__ import program
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.train.__main__ import PROGRAM
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.experiments.cdml.config import CDMLConfig
from yt8m_models.experiments.cdml.rows import tables
from yt8m_models.experiments.cdml.runs import plan
from yt8m_models.experiments.common.embedding_training import EmbeddingTrainingFlags
from yt8m_models.experiments.common.rows import rows_of
from yt8m_models.program.command import UsageError
from yt8m_models.recipes.embedding.config import EMBEDDING_RECIPES

WHERE = ("--graph_dir=graph", "--features_dir=features", "--train_dir=train")


def parsed(*argv):
    return PROGRAM.parse([*WHERE, *argv])


def test_the_recipe_is_the_row_of_table_2():
    """The same network and training as `yt8m cdml-tables` has in its row late-4000."""
    config = CDMLConfig(graph_dir="graph", features_dir="features", output_dir="out")
    model = EmbeddingConfig()
    rows = rows_of(tables(config, model, ("mean_rgb",)))
    run = plan(config, EmbeddingTrainingFlags(), model, ("mean_rgb",), rows)["late-4000", 0]
    arguments = parsed("--recipe=cdml")
    assert arguments[EmbeddingConfig] == run.model
    names = [field for field in vars(EmbeddingTrainingFlags()) if field != "log_steps"]
    found = vars(arguments[EmbeddingTrainConfig])
    assert {name: found[name] for name in names} == {
        name: vars(run.training)[name] for name in names
    }


def test_the_command_line_wins():
    arguments = parsed("--recipe=cdml", "--margin=0", "--mining=hardest", "--hidden=8,4")
    training = arguments[EmbeddingTrainConfig]
    assert (training.margin, training.mining, training.learning_rate_decay) == (0, "hardest", 0.998)
    assert arguments[EmbeddingConfig].hidden_size == (8, 4)


def test_the_commands_of_the_recipe_are_right():
    head = Path(EMBEDDING_RECIPES["cdml"]).read_text("utf-8").split("\n--")[0]
    lines = re.sub(r"\\\n#", "", head).splitlines()
    commands = [line.removeprefix("#   yt8m ") for line in lines if line.startswith("#   yt8m ")]
    names = []
    for command in commands:
        name, *argv = shlex.split(command)
        names.append(name)
        program(name).parse(argv)
    assert names == [
        *("build-features", "build-graph", "train-embedding", "embed", "evaluate-retrieval")
    ]


def test_recipes_of_other_programs_are_refused():
    with pytest.raises(UsageError, match=r"--recipe=dsgmm: must be one of cdml"):
        parsed("--recipe=dsgmm")
