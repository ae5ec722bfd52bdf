"""Tables 6 and 7 of the DSGMM paper: which videos users watch, by embeddings of frames.

inputs     the split log, the features and the co-watch graph that all runs share
rows     what each row is
runs     what a run is of, and what it finds
experiment     doing the runs: training, embeddings, AUC
report     what was found, relative to the rows without a trained embedding
"""
