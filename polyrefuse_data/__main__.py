"""`python -m polyrefuse_data`."""

from polyrefuse_data.cli import main

main()
