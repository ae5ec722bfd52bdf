"""Scores of submission files against labelled records."""
