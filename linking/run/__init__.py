"""Who does the parts of a stage: this process, a pool, or a cluster."""
