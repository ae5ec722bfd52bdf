"""A PCA of the features of records or arrays: `yt8m fit-pca`."""
