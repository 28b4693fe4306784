"""The command line: the console script in processes of its own, and `main` where it is quick."""
