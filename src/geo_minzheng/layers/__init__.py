"""Layers: foreign files in, checked frames out."""
