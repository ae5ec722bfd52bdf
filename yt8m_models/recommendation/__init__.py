"""Videos for users."""
