"""The page that the flags ask for."""

from yt8m_models.prediction.metric_tables import class_names
from yt8m_models.program.extras import require
from yt8m_models.report.evaluated import Evaluated, evaluate
from yt8m_models.report.extraction_page import extraction_page
from yt8m_models.report.page import Page
from yt8m_models.report.report.config import ReportConfig
from yt8m_models.report.retrieval_page import retrieval_page
from yt8m_models.report.tables_page import tables_page
from yt8m_models.report.training_page import training_page
from yt8m_models.storage import filesystems


def write_report(config: ReportConfig) -> None:
    """Writes the page of the directory that the flags name; it appears whole or not at all.

    Raises:
        ValueError: Jinja2 is not installed, the directory does not hold what it should, or a model
            or a record is wrong.
        OSError: a file cannot be read or written.
    """
    require("jinja2", extra="report")
    filesystems.require(config.output)
    _page(config).write(config.output)


def _page(config: ReportConfig) -> Page:
    if config.tables_dir:
        return tables_page(config.tables_dir)
    if config.retrieval_dir:
        return retrieval_page(config.retrieval_dir)
    if config.extraction_dir:
        return extraction_page(config.extraction_dir, config.thumbnails)
    evaluated: Evaluated | None = None
    if config.eval_data_pattern:
        evaluated = evaluate(
            config.train_dir,
            config.checkpoint,
            config.eval_data_pattern,
            config.num_examples,
            config.batch_size,
            config.max_bad_records,
        )
    names = class_names(config.vocabulary) if config.vocabulary else {}
    return training_page(config.train_dir, evaluated, names, config.thumbnails)
