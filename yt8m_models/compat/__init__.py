"""The names and checkpoints of the original TensorFlow 1 programs, made to work here."""
