"""Trains a model: `python train.py --train_data_pattern=… --train_dir=…` (see `--help`)."""

from yt8m_models.training.__main__ import PROGRAM

if __name__ == "__main__":
    PROGRAM.run()
