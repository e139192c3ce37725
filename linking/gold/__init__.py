"""Links that editors made: read, split, and turned into examples."""
