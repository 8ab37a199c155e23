"""Latents to images: retrieval, inversion, Stable unCLIP and Kandinsky."""
