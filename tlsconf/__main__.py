"""`python -m tlsconf`."""

from tlsconf.cli import main

if __name__ == "__main__":
    main()
