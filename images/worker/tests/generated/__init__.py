"""Random small training scripts, each drawn from a seed, and what becomes of them under faults."""
