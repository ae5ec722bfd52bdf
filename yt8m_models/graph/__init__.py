"""Watch logs, and which videos were watched together."""
