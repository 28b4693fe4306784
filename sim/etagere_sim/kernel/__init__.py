"""Virtual time, and the order of everything that happens in it."""
