"""What the sample data sets share: videos as bags of images that show what is labelled."""
