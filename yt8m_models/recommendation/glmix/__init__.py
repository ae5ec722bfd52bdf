"""GLMix, a logistic model with a part for every user: `python -m yt8m_models.recommendation.glmix`."""
