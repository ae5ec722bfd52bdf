"""Training of an embedding by triplets: `python -m yt8m_models.embedding.train` (see `--help`)."""
