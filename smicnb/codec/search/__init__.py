"""Finding photographs in `.smic` files, which are their own index."""
