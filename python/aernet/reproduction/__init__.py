"""The paper's tables, trained and measured again: what is run stands in `tables`, how in `study`."""
