"""Predictions for any number of videos, and Kaggle submission files."""
