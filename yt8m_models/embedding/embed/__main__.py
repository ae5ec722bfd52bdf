"""`yt8m embed`: embeds the videos of a table of features."""

from yt8m_models.embedding.embed.config import EmbedConfig
from yt8m_models.engines.options import EngineOptions
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m embed",
    "Embeds all videos of a table of features with a trained model, in their order, and goes on "
    "where an earlier run in the same --output_dir stopped.",
    EmbedConfig,
    EngineOptions,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.embedding.embed.embedding import embed

    config = arguments[EmbedConfig]
    with arguments[EngineOptions].session(PROGRAM.name) as spark:
        embeddings = embed(config, spark)
    print(
        f"{len(embeddings):,} embeddings of width {embeddings.size} in {config.output_dir}, "
        f"of the model {embeddings.model}"
    )


if __name__ == "__main__":
    PROGRAM.run()
