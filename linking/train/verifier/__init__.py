"""Training what reads a pair: a cross-encoder in two courses, and the judgement that is fitted on what it says."""
