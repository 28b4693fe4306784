"""The core alone: contract, batching, recovery, store, opening, layers, on every event loop."""
