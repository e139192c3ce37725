"""The commands of `howtree`, one file a verb; heavy imports happen inside the functions."""
