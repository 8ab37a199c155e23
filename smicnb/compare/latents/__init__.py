"""One protocol for coders of latents, and the rivals of the `.smic` file."""
