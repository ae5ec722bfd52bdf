"""Plots of a training: `python -m yt8m_models.training.plot --train_dir=… --output=curves.png`."""
