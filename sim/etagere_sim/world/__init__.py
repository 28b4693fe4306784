"""Hosts, their clocks and disks, the network between them, and what goes wrong with all of it."""
