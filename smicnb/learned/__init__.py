"""TACO and SIC: images to bytes and back through networks that were trained for it."""
