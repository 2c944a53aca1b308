"""The command line: one file per command, thin; `main` finds them, `options` holds what they share."""
