"""Files of many kinds -> raw items -> articles."""
