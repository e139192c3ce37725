"""Documented formats of other how-tos -> records in the simple form, which `crawl.readers.records` reads."""
