"""Recorded histories, and the checkers that decide what they show."""
