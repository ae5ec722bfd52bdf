"""One run in a process of its own: training, the best checkpoint, the test set."""

from yt8m_models.experiments.common.execution import in_own_process
from yt8m_models.experiments.dsgmm.runs import Result, Run
from yt8m_models.experiments.dsgmm.training import train_and_measure
from yt8m_models.program.interruption import Interruption


def execute(run: Run, interruption: Interruption) -> Result | None:
    """Trains and tests a model, from where an earlier try stopped, and keeps the result.

    A signal is passed on to the run, which saves a checkpoint first.

    Returns:
        The result; `None` where a signal ended the run.

    Raises:
        ValueError: the run failed; the message names it.
    """
    return in_own_process(train_and_measure, run, interruption)
