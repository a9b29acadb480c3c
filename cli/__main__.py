"""`python -m cli` is the same as `valence`."""

from cli.main import main

main()
