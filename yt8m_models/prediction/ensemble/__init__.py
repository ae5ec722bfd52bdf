"""Averaging submission files: `python -m yt8m_models.prediction.ensemble`."""
