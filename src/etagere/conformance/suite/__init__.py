"""The clauses of each level, as classes of tests."""
