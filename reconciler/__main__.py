"""`python -m reconciler`, where the console script is not on the path."""

from reconciler.cli.main import run

run()
