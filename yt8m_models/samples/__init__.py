"""Made data to try the programs on."""
