"""`python -m kb` is `howtree`."""

from kb.commands.cli import main

if __name__ == "__main__":  # parsing in several processes may import this file again
    main()
