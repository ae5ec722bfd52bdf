"""The evaluation program."""
