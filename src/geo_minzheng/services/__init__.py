"""Use cases: the table of contents of the product."""
