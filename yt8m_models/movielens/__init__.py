"""The MovieLens experiments of CDML section 4.2: content embeddings beside matrix factorisation.

tables, ratings     reading the files
titles, features     the vectors that movies are compared by
splits     training and test ratings
scores     of the test ratings, by content and by baselines
co_likes     a CDML embedding of the movies, trained on a split's training ratings
rows     ways to score, and the tables that they are in
experiment, runs, report     runs/, runs.csv, results.csv, results.md and images
"""
