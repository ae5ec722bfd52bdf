"""Annotation models, trained and compared: `python -m yt8m_models.annotation.annotate`."""
