"""Trained models for other programs: SavedModel, MediaPipe, ONNX, LiteRT, Hugging Face Hub."""
