"""Models as folders for the Hugging Face Hub, for every backend of Keras."""
