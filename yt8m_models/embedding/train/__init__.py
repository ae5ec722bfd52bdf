"""Training of an embedding by triplets: `yt8m train-embedding` (see `--help`)."""
