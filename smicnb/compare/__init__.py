"""Where we stand: methods measured against one another on the same images."""
