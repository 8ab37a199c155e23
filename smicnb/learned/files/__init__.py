"""Files of the learned codecs: coder, streams, checkpoints, the models that ship."""
