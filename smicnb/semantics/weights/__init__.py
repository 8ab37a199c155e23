"""Files of weights and photographs: what there is, where it comes from, and the verified folders it lies in."""
