"""What is special to the Redis backend: topologies, failures, connections, the script."""
