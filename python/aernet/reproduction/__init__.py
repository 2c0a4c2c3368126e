"""The paper's tables, trained and measured again: `tables` lists what, and `reproduce` does it."""
