"""Collaborative deep metric learning: from watch logs and content features to recommendations."""
