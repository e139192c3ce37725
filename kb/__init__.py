"""The knowledge base: built from articles and links, read by trees, searches, SQL and the explorer."""
