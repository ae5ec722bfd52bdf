"""Synthetic users, videos and watch logs from one latent model, to try the embeddings on."""
