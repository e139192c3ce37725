"""Training, a file for each command, named after what it trains."""
