"""The results as files: `results.csv` and `results.md`."""

from collections.abc import Mapping, Sequence

from yt8m_models.retrieval.evaluation.results import RetrievalResult
from yt8m_models.storage.text_tables import csv_text, markdown_table
from yt8m_models.storage.whole_file import join, write_text

Results = Mapping[tuple[str, int, str], RetrievalResult]


def write_report(directory: str, results: Results, top_k: int, notes: Sequence[str]) -> None:
    """Writes the files.

    Args:
        directory: receives them.
        results: by the name of the embeddings, bits and direction.
        top_k: of NDCG.
        notes: what the reader of the Markdown table must know.
    """
    fields = list(RetrievalResult.__dataclass_fields__)
    lines = [[name, *vars(result).values()] for (name, _, _), result in results.items()]
    write_text(join(directory, "results.csv"), csv_text(["embedding", *fields], lines))
    text = "\n".join([*notes, "", *results_table(results, top_k)])
    write_text(join(directory, "results.md"), text + "\n")


def results_table(results: Results, top_k: int) -> list[str]:
    """A Markdown table with a line for each of the embeddings and number of bits."""
    directions = list(dict.fromkeys(direction for _, _, direction in results))
    header = ["embedding", "bits", "bytes a video"]
    header += [f"{each} {name}" for each in directions for name in (f"NDCG@{top_k}", "MAP")]
    rows = []
    for name, bits in dict.fromkeys((name, bits) for name, bits, _ in results):
        found = [results.get((name, bits, direction)) for direction in directions]
        size = next(f"{each.bytes_per_video:,}" for each in found if each is not None)
        cells = [
            "–" if each is None else f"{value:.4f}"
            for each in found
            for value in ((0.0, 0.0) if each is None else (each.ndcg, each.map))
        ]
        rows.append([name, str(bits), size, *cells])
    return markdown_table(header, rows)
