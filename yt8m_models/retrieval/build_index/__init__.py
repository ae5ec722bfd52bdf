"""Indices of embeddings: `yt8m build-index` (see `--help`)."""
