"""The paper's tables and figures: which rows they have, training them, and reporting them.

rows     what each row changes of the model
runs     rows and seeds as runs, of which equal ones are one; their directories and results
execution, testing     a run: training, the best checkpoint, the test set
ubm      the background models that VLAD and SGMM need
report, plots     results.csv, runs.csv, mcnemar.csv, results.md and the images
"""
