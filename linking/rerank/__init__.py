"""Lists of goals -> better lists with probabilities."""
