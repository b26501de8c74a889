"""Verbs: pure functions on arrays and frames."""
