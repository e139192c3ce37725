"""Knowledge bases to and from other programs' forms."""
