"""Synthetic YouTube-8M records in the exact formats, with classes that a model can learn."""
