"""Submission files for the tests of the programs that read them."""

HEADER = "VideoId,LabelConfidencePairs\n"


def write(path, predictions):
    """A submission file of `{video: {label: score}}`, or of text lines; its path."""
    if isinstance(predictions, dict):
        predictions = [
            f"{video}," + " ".join(f"{label} {score!r}" for label, score in pairs.items())
            for video, pairs in predictions.items()
        ]
    path.write_text(HEADER + "".join(f"{line}\n" for line in predictions))
    return str(path)
