"""The paper's tables and figures: which rows they have, training them, and reporting them.

rows     what each row changes of the model
runs     what a run is of and what it finds, with the background models of VLAD and SGMM
experiment     doing the runs: training, the best checkpoint, the test set
report     results.csv, runs.csv, results.md, the images; McNemar's tests
"""
