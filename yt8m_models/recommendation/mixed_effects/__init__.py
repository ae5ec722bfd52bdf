"""GLMix, a logistic model with a part for every user: fitting, keeping and measuring it."""
