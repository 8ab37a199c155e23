"""Notebook 01: linearity of the latent space (Fig. 4 and 5)."""
