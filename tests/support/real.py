"""A quarter of wikiHow's real articles, of which tests build a knowledge base: the whole would take them too long.

`HOWTREE_REAL_DATA=DIR python tests/support/real.py FILE.jsonl` writes the same file, for whoever measures floors anew.
"""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path


def quarter_of_wikihow(real_data: Path, output: Path) -> Path:
    """Write every fourth article to `output`."""
    with gzip.open(real_data / "articles" / "wikihow.jsonl.gz", "rt", encoding="utf-8") as file:
        output.write_text("".join(file.readlines()[::4]), encoding="utf-8")
    return output


if __name__ == "__main__":
    quarter_of_wikihow(Path(os.environ["HOWTREE_REAL_DATA"]), Path(sys.argv[1]))
