"""Notebook 05: the rate model and its audit (Fig. 12, Tables III and IV)."""
