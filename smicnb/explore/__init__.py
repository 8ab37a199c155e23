"""What the sliders of notebooks/explore.ipynb ask, and the page without sliders."""
