"""A reranked list -> which of its first goals are right for the step: each read in its place, beside its article."""
