"""How good a model is: metrics of the ISIC challenge, intervals and a report, without torch."""
