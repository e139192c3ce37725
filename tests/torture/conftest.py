"""What the tests of torture share: a small knowledge base, and a process whose copies do what is tortured."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.tiny_world import World, tiny_world
from support.victims import Victims


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A knowledge base with its work folder. Do not write to it."""
    return tiny_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def victims(world: World) -> Iterator[Victims]:
    """The process whose copies do jobs; what they build has the sources of the world."""
    with Victims(world.kb.parent) as victims:
        yield victims
