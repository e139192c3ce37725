"""Steps as people write them -> steps: without markup, without what only counts, divided where they run on."""
