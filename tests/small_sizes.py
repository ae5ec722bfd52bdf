"""Sizes of models that build, train and predict at once."""

SIZES = {
    "num_clusters": 4,
    "hidden_size": 3,
    "nextvlad_groups": 4,
    "attention_heads": 2,
    "attention_size": 3,
    "recurrent_cells": 3,
}
