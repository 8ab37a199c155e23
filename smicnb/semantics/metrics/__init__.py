"""Fidelity, perception and realism of images, and intervals over scenes."""
