"""Sources -> one knowledge base file."""
