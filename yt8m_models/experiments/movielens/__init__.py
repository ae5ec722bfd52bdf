"""The MovieLens experiments of CDML section 4.2: content embeddings beside matrix factorisation.

ratings, movies     reading the files
titles, features     the vectors that movies are compared by
splits     training and test ratings
content, baselines     scores of the test ratings
co_likes     a CDML embedding of the movies, trained on a split's training ratings
measuring     NDCG and average precision of those scores
experiment, runs, report, plots     runs/, runs.csv, results.csv, results.md and images
"""
