"""Training of the UBM: `yt8m train-ubm` (see `--help`)."""
