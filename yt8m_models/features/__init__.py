"""Features of videos, to be read at random by row."""
