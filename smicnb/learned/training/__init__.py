"""How the learned codecs are trained."""
