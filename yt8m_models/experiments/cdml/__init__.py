"""The retrieval tables and the figure of the CDML paper, on a co-watch graph and features.

rows     what each row changes of the embedding
runs     what a run is of, and what it finds
experiment     doing the runs: training, embeddings, cold-start retrieval; and their report
"""
