"""`python -m kb` is `howtree`."""

from kb.cli import main

main()
