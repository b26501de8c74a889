"""The command line: thin adapters over the same services as the pages."""

from geo_minzheng.cli.main import main

__all__ = ["main"]
