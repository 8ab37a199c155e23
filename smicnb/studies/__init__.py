"""One folder a notebook: what is measured, how it is drawn, what it came to."""
