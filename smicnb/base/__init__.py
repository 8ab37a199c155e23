"""What every room may use and nothing else: errors, names, files, cache, progress."""
