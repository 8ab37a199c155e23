"""The authors' weights under our names."""
