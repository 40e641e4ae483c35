"""``python -m gatehouse`` is the command."""

from gatehouse.cli import main

main()
