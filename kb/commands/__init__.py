"""The commands of `howtree`, one file per verb; heavy imports happen inside the functions."""
