"""Notebook 06: the convex hull of rate and semantic fidelity (Fig. 13 and 14)."""
