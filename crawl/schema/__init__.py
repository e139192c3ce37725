"""schema.org's HowTo and Recipe, in any markup of any site -> articles."""
