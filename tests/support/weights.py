"""The weights of the larger encoder, which nobody has to have."""

from __future__ import annotations

import pytest

from linking.encode.packaged import BASES, LARGE_BASE, large_folder

needs_large = pytest.mark.skipif(large_folder() is None, reason=f"needs weights: {BASES[LARGE_BASE].install}")
"""For tests that run the larger encoder."""
