"""`python -m sottovoce`: the command, where it is not on the path (torchrun, other environments)."""

from sottovoce.cli import main

if __name__ == "__main__":  # worker processes import this file again
    main()
