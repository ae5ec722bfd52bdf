"""The retrieval tables and the figure of the CDML paper, on a co-watch graph and features.

rows     what each row changes of the embedding
runs     rows and seeds as runs, of which equal ones are one; their directories and results
training     a run: training, embedding all videos, cold-start retrieval
report   results.csv, runs.csv, results.md and the images
"""
