"""The working map of a district's civil-affairs and emergency bureau."""

__version__ = "0.1.0"
