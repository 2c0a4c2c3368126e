"""Where a model runs: one file for each runtime, and the choice between them."""
