"""From a notebook to a figure that can be trusted: runs, parameters and figures."""
