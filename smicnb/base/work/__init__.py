"""Who does work that comes in pieces, what processes that do it are told, and the results as they come."""
