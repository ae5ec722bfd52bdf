"""GLMix, a logistic model with a part for every user: `yt8m glmix`."""
