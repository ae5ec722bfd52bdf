"""Predictions of exported models, without TensorFlow."""
