"""Predicts videos with a trained model and writes a submission file (`yt8m_models.prediction`)."""

from yt8m_models.prediction.__main__ import PROGRAM

if __name__ == "__main__":
    PROGRAM.run()
