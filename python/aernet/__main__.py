"""`python -m aernet` is `aernet-trt`."""

from aernet.cli import main

main()
