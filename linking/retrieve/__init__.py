"""Vectors -> the nearest goals of each step, kept on disk between builds."""
