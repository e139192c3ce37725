"""Training, a file or folder for each command, named after what it trains."""
