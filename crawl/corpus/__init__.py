"""A corpus of articles on disk: written in shards, each article once."""
