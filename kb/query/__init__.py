"""Free SQL from people: a query runs in a process of its own, reads, and ends at its limits."""
