"""Images to meaning and back: collections, weights, encoders, generators, spaces, metrics."""
