"""One protocol for image codecs, and the codecs that others wrote."""
