"""Measuring the linker against known answers."""
