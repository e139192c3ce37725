"""The document that pages are drawn into, as a browser asks for it: in a checkout, and where howtree is installed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit
import urllib3
from support.command import ROOT
from support.serving import serving

STATIC = Path(streamlit.__file__).parent / "static"
EMPTY = (STATIC / "index.html").read_text(encoding="utf-8")
OURS = re.compile('<style>.*</style><script>.*</script><script type="module">.*?</script>', re.DOTALL)


@pytest.fixture(scope="module", params=["installed", "checkout"])
def url(request: pytest.FixtureRequest, site: tuple[str, Path]) -> Iterator[str]:
    if request.param == "installed":
        yield site[0]
    else:
        with serving(site[1], main=ROOT / "app.py") as address:
            yield address


@pytest.mark.parametrize("path", ["/", "/procedure?goal=en:1", "/no/such/page"])
def test_each_document_has_the_looks_and_the_script_before_anything_is_drawn(url: str, path: str) -> None:
    given = asked("GET", url + path, {"Accept-Encoding": "gzip", "If-None-Match": "*"})
    document = given.data.decode()
    (ours,) = OURS.findall(document)
    assert given.status == 200 and "data-drawn" in ours and "data-drawn" not in EMPTY
    assert document.replace(ours, "") == EMPTY
    assert document.index(ours) < document.index('<div id="root">')
    assert int(given.headers["content-length"]) == len(given.data)
    assert not {"etag", "last-modified"} & {
        name.lower() for name in given.headers
    }  # or it outlives a new version


def test_only_documents_are_changed(url: str) -> None:
    script = next(STATIC.glob("static/js/index.*.js"))
    kept = asked("GET", f"{url}/static/js/{script.name}")
    assert kept.data == script.read_bytes()
    assert (
        asked("GET", f"{url}/static/js/{script.name}", {"If-None-Match": kept.headers["etag"]}).status == 304
    )
    about = asked("HEAD", f"{url}/procedure")
    assert about.status == 200 and about.data == b""


def asked(method: str, url: str, headers: dict[str, str] | None = None) -> urllib3.BaseHTTPResponse:
    return urllib3.request(method, url, headers=headers, retries=False, redirect=False)
