"""Nouns: frozen dataclasses and enums that the rooms exchange."""
