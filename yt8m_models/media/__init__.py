"""Video files as pictures and patches of sound."""
