"""Recipes of embeddings: `yt8m train-embedding --recipe=NAME`."""
