"""Annotation models, trained and compared: `yt8m annotate`."""
