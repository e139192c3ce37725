"""Damaged pages by the thousand, the same for the same seed: what disks, networks and hostile people make of pages."""

from __future__ import annotations

import gzip
import random
import re
import zlib
from collections.abc import Iterator, Sequence

LARGE = 50 * 2**20
"""Bytes of the largest pages."""


def mutated(
    pages: Sequence[bytes], count: int, seed: int = 1, large: bool = True
) -> Iterator[tuple[str, bytes]]:
    """(kind of damage, page), `count` times; one in a thousand is huge where `large` is set."""
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")
        page = chance.choice(pages)
        if large and number % 1000 == 999:
            kind, mutate = LARGE_KINDS[number // 1000 % len(LARGE_KINDS)]
        else:
            kind, mutate = KINDS[number % len(KINDS)]
        for _ in range(1 if kind in dict(LARGE_KINDS) else chance.choice((1, 1, 2))):
            page = mutate(page, chance)
        yield kind, page


def cut(page: bytes, chance: random.Random) -> bytes:
    """The beginning, the end or the middle alone."""
    start, end = sorted(chance.randrange(len(page) + 1) for _ in range(2))
    return chance.choice((page[:end], page[start:], page[start:end]))


def flip(page: bytes, chance: random.Random) -> bytes:
    """Single bytes changed."""
    out = bytearray(page)
    for _ in range(chance.choice((1, 10, 300))):
        if out:
            out[chance.randrange(len(out))] = chance.randrange(256)
    return bytes(out)


def drop_tags(page: bytes, chance: random.Random) -> bytes:
    """Some tags taken out, so that others are never closed or never opened."""
    share = chance.choice((0.01, 0.2, 0.6))
    return re.sub(rb"<[^<>]{1,400}>", lambda match: b"" if chance.random() < share else match[0], page)


def repeat_tags(page: bytes, chance: random.Random) -> bytes:
    """Some tags doubled."""
    return re.sub(rb"<[^<>]{1,400}>", lambda match: match[0] * (1 + (chance.random() < 0.1)), page)


def swap(page: bytes, chance: random.Random) -> bytes:
    """Two stretches of the page change places."""
    a, b, c, d = sorted(chance.randrange(len(page) + 1) for _ in range(4))
    return page[:a] + page[c:d] + page[b:c] + page[a:b] + page[d:]


def quote(page: bytes, chance: random.Random) -> bytes:
    """A quotation mark, an angle bracket or the opening of a comment or script at a random place."""
    sign = chance.choice(
        (b'"', b"'", b"<", b">", b"<!--", b"<script>", b"</div>", b"&#xD800;", b"&#0;", b"<![CDATA[")
    )
    place = chance.randrange(len(page) + 1)
    return page[:place] + sign + page[place:]


def nest(page: bytes, chance: random.Random) -> bytes:
    """Something nested ten thousand deep, closed or not, in the middle of the steps."""
    tag = chance.choice(
        (
            b"div",
            b"ul><li",
            b"b class='whb'",
            b'ol class="steps_list_2"><li',
            b"span",
            b"table><tr><td",
            b'div class="section steps"',
            b'a href="/X" title="X"',
            b"font",
        )
    )
    close = (
        b"".join(b"</" + part.split()[0] + b">" for part in reversed(tag.split(b"><")))
        if chance.random() < 0.5
        else b""
    )
    place = page.find(b"steps_list_2") + 14
    return page[:place] + (b"<" + tag + b">") * 10_000 + b"deep" + close * 10_000 + page[place:]


def nulls(page: bytes, chance: random.Random) -> bytes:
    """Null bytes strewn in, or the page spread out as if it were UTF-16."""
    if chance.random() < 0.3:
        return page.decode("utf-8", "replace").encode(
            chance.choice(("utf-16", "utf-16-le", "utf-32")), "replace"
        )
    return re.sub(rb"e", lambda match: b"\0" if chance.random() < 0.05 else match[0], page)


def recode(page: bytes, chance: random.Random) -> bytes:
    """Another character set than the page says, or a foreign one said."""
    name = chance.choice(("shift_jis", "cp1252", "utf-7", "iso2022_jp", "gb18030", "koi8-r", "utf-16"))
    if chance.random() < 0.5:
        said = chance.choice(
            (b"utf-16", b"x-user-defined", b"base64", b"shift_jis", b"nonsense", b"utf-7", b"idna")
        )
        return page.replace(b'charset="utf-8"', b'charset="' + said + b'"')
    return page.decode("utf-8", "replace").encode(name, "replace")


def pack(page: bytes, chance: random.Random) -> bytes:
    """Packed with gzip, whole or cut."""
    packed = gzip.compress(page, 1, mtime=0)
    return packed if chance.random() < 0.3 else packed[: chance.randrange(2, len(packed))]


def noise(page: bytes, chance: random.Random) -> bytes:
    """No page at all."""
    return chance.choice(
        (b"", b"<", chance.randbytes(2000), b"\x1f\x8b" + chance.randbytes(50), b"<html>" * 500)
    )


def bomb(page: bytes, chance: random.Random) -> bytes:
    """50 MB and more of one letter inside a few kilobytes."""
    packer = zlib.compressobj(9, wbits=31)
    return (
        packer.compress(page[:500])
        + b"".join(packer.compress(b"a" * 2**20) for _ in range(200))
        + packer.flush()
    )


def huge(page: bytes, chance: random.Random) -> bytes:
    """50 MB of page."""
    return page * (LARGE // max(1, len(page)) + 1)


def longest(page: bytes, chance: random.Random) -> bytes:
    """As long as pages may be: steps or tags without end."""
    unit = chance.choice(
        (
            b"<li><div class=step><b class=whb>a</b> b</div>",
            b"<b class='whb'>",
            b'<ol class="steps_list_2"><li>a',
            b"<p>",
            b'<div class="section steps"><h3>',
            b'<div class="section" id=tips><ul><li>a',
            b"&amp;" * 20,
            b"<h3>",
            b'"wgTitle":"',
            b'<a href="/X" title="X">x',
            b'<script type="application/ld+json">HowTo',
            b"<html lang",
        )
    )
    place = page.find(b"steps_list_2") + 14
    return page[:place] + unit * ((15 * 2**20) // len(unit)) + page[place:]


KINDS = [
    (one.__name__, one)
    for one in (cut, flip, drop_tags, repeat_tags, swap, quote, nulls, recode, pack, nest, noise)
]
LARGE_KINDS = [(one.__name__, one) for one in (bomb, huge, longest, longest, longest)]
