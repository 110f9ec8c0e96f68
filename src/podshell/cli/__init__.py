"""The command line: `podshell ...`."""
