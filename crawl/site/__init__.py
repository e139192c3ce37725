"""The live crawl of a site: polite, and safe against any kill."""
