"""The map of the papers' items: what each came to."""
