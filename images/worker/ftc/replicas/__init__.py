"""Replicas are compared while they train: no divergence goes unnoticed."""
