"""Embeddings as one more feature of records: `yt8m join-embeddings`."""
