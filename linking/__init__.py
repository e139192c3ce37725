"""Steps and goals -> links. No database and no HTML."""
