"""Networks that make features of pictures and of sound."""
