"""Training of the UBM: `python -m yt8m_models.gmm.train_ubm` (see `--help`)."""
