"""Personal recommendation from watch histories: `python -m yt8m_models.recommendation.recommend`."""
