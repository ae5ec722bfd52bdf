"""Tests of yt8m_models.program.interruption."""

import os
import signal

from yt8m_models.program.interruption import Interruption


def test_signals_are_received_though_a_library_took_them():
    before = signal.getsignal(signal.SIGTERM)
    taken = []
    with Interruption() as interruption:
        signal.signal(signal.SIGTERM, lambda number, frame: taken.append(number))
        os.kill(os.getpid(), signal.SIGTERM)
        assert (taken, interruption.signal) == ([signal.SIGTERM], None)
        interruption.take_back()
        os.kill(os.getpid(), signal.SIGTERM)
        assert (len(taken), interruption.signal) == (1, signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) == before
    assert signal.getsignal(signal.SIGTERM) == before
