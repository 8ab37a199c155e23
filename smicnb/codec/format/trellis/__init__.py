"""Trellis-coded quantisation: its codes, its search, and what a file says of it."""
