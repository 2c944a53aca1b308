"""`python -m sgsim`: the command line, where the script `sgsim` is not on the path."""

from sgsim.cli.main import main

if __name__ == "__main__":
    main()
