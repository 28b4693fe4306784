"""The project's own benchmarks: ratios against drivers, in the same run."""
