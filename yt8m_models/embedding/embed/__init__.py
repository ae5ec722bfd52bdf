"""Embeddings of many videos: `yt8m embed` (see `--help`)."""
