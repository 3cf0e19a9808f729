"""Checkpoints: copied behind the training, written so that a crash leaves the old or the new, loaded only when they verify."""
