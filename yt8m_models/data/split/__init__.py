"""Splitting records in two by a hash of the video id: `python -m yt8m_models.data.split`."""
