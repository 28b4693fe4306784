"""What is said of a run: as data, text, JSON, Markdown, HTML and JUnit XML."""
