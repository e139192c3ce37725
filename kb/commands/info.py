"""stub"""
from typer import Typer


def register(app: Typer) -> None:
    """Add the verb."""
