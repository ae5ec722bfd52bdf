"""Predictions of exported models by HTTP."""
