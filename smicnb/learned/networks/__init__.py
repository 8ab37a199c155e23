"""The networks of TACO and SIC, and their entropy models."""
