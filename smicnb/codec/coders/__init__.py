"""How `.smic` files are made: the dictionary, the sparse solvers, the two encoders, and the choice between them."""
