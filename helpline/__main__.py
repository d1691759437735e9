"""python -m helpline: the CLI."""

from helpline.cli import main

main()
