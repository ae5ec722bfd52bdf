"""Trainings by many settings, and the best of them: `yt8m sweep`."""
