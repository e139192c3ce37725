"""Pages and dumps -> articles. No model and no database."""
