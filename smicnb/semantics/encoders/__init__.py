"""Images and sentences to latents of one space."""
