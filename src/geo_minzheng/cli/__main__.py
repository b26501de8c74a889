"""Run the command line as a module."""

from geo_minzheng.cli import main

main()
