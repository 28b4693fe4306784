"""What every store does alike: one suite over all backends."""
