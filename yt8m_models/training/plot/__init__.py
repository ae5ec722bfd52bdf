"""Plots of a training: `yt8m plot --train_dir=… --output=curves.png`."""
