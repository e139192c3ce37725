"""howtree: how-to articles -> a hierarchical knowledge base of procedures."""
