"""Goals by their meaning, without torch: a vector a word, a vector a goal."""
