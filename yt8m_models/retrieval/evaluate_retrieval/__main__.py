"""`yt8m evaluate-retrieval`: NDCG and MAP of cold-start retrieval."""

from yt8m_models.program.command import Arguments, Program
from yt8m_models.retrieval.evaluation.config import EvaluateRetrievalConfig

PROGRAM = Program(
    "yt8m evaluate-retrieval",
    "Measures how well embeddings, as they are and quantised, find the videos that were co-watched "
    "with others: evaluation videos for training videos (T2E), and the reverse (E2T). Writes "
    "results.csv and results.md to --output_dir; a run that was interrupted goes on there.",
    EvaluateRetrievalConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.retrieval.evaluation.evaluation import evaluate_retrieval
    from yt8m_models.retrieval.evaluation.results import results_table

    config = arguments[EvaluateRetrievalConfig]
    evaluation = evaluate_retrieval(config, progress=True)
    print("\n".join([*evaluation.notes, "", *results_table(evaluation.results, config.top_k)]))


if __name__ == "__main__":
    PROGRAM.run()
