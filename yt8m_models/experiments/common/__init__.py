"""What the experiments of the papers share.

config, embedding_training     flags
rows     rows of tables and points of figures, and their selection by name
runs     rows and seeds as runs, named by their settings, and the files of their results
programs     running a program whose output all runs share
running, process     doing the runs that are not done, in a process of its own each, if need be
summary, report, plots     means and deviations over seeds, as CSV, Markdown and images
"""
