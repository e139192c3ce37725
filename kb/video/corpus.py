"""The videos of the evaluation: read from JSON Lines, split into train, dev and test, told apart by goal."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from crawl.article import goal_of
from howtree.errors import BadInput, NotFound
from howtree.files import digest_of
from howtree.progress import progress

SPLITS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Video:
    """One video as a search result of one goal."""

    video_id: str
    goal: str
    """As the file names it, without "How to"."""
    text: str
    """The captions, joined; empty where the video has none."""
    split: str = ""
    """train, dev, test, or empty where the file leaves it open."""

    @property
    def key(self) -> str:
        """What tells goals apart: see `goal_key`."""
        return goal_key(self.goal)


@dataclass(slots=True)
class Split:
    """One index of its own: its documents in the order of their ids, and which are relevant to which goal."""

    name: str
    ids: list[str]
    texts: list[str]
    relevant: dict[str, list[int]]
    """Goal key -> positions in `ids` of the goal's videos, rising."""

    @property
    def digest(self) -> str:
        """Changes with any document of the split."""
        return digest_of(self.name, *self.ids, *self.texts)


@dataclass(slots=True)
class VideoSet:
    """All that was read: the goals, the splits that hold a video, and the tally of the reading."""

    goals: dict[str, str]
    """Goal key -> the goal as the file first names it, in the order of the keys."""
    splits: dict[str, Split]
    tally: Counter[str] = field(default_factory=Counter)
    skipped: list[str] = field(default_factory=list)
    """One line a record left out: where it stands and why."""


def goal_key(title: str) -> str:
    """One spelling of a goal for matching: without "How to", case folded, single blanks."""
    return goal_of(title).casefold()


def caption_text(captions: Iterable[dict[str, Any]], trim: float = 0.0) -> str:
    """The text of timed captions, without the lines that reach into the first or last `trim` seconds.

    A caption is {start, duration, text} or {start, end, text} in seconds; the video ends with its last
    caption. Raises KeyError, TypeError or ValueError where a caption lacks a field or its time is no number.
    """
    lines = []
    for caption in captions:
        start = float(caption["start"])
        end = float(caption["end"]) if "end" in caption else start + float(caption["duration"])
        lines.append((start, end, str(caption["text"]).strip()))
    last = max((end for _, end, _ in lines), default=0.0)
    if trim <= 0:
        return " ".join(text for _, _, text in lines if text)
    return " ".join(text for start, end, text in lines if text and start >= trim and end <= last - trim)


def open_lines(path: Path) -> IO[bytes]:
    """Open a file for its lines, unpacked on the way where its name ends in .gz. Raises NotFound."""
    if not path.is_file():
        raise NotFound(f"{path}: no such file. Give the path of an existing file.")
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def read_lines(path: Path) -> list[str]:
    """The lines of a text file that hold anything, stripped. Raises NotFound where it is missing."""
    with open_lines(path) as lines:
        return [text for line in lines if (text := line.decode("utf-8-sig", "replace").strip())]


def read_videos(path: Path, trim: float = 0.0, seed: int = 0) -> VideoSet:
    """Read JSON Lines of {video_id, goal, text | captions, split?}, gzipped or plain, into splits.

    A record without a split is put into one by a hash, see `hashed_splits`; `trim` seconds are cut at both
    ends of captions that carry times. A broken or repeated record is left out and counted. Raises NotFound
    where the file is missing and BadInput where no video is left.
    """
    tally: Counter[str] = Counter()
    skipped: list[str] = []
    videos: dict[tuple[str, str], Video] = {}
    try:
        with open_lines(path) as lines:
            for number, line in enumerate(progress(lines, "videos", unit="videos"), start=1):
                if not line.strip():
                    continue
                tally["read"] += 1
                try:
                    video = _video(line, trim, tally)
                    if (video.video_id, video.key) in videos:
                        raise ValueError("repeated video of the same goal")
                except ValueError as error:
                    tally[f"skipped: {error}"] += 1
                    skipped.append(f"{path.name}:{number}: {error}")
                    continue
                videos[video.video_id, video.key] = video
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: cannot be read ({error}). Give JSON Lines, plain or .gz.") from None
    if not videos:
        raise BadInput(f"{path}: holds no video. Each line must be {{video_id, goal, text or captions}}.")
    tally["kept"] = len(videos)
    tally["without text"] = sum(not video.text.strip() for video in videos.values())
    goals = {video.key: video.goal for video in reversed(videos.values())}
    return VideoSet(dict(sorted(goals.items())), _splits(videos.values(), seed), tally, skipped)


def _video(line: bytes, trim: float, tally: Counter[str]) -> Video:
    """The video in one line. Raises ValueError with a short fixed phrase that the tally counts by."""
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    video_id, goal, split = record.get("video_id"), record.get("goal"), record.get("split") or ""
    if not isinstance(video_id, str) or not video_id.strip():
        raise ValueError("no video_id")
    if not isinstance(goal, str) or not goal.strip():
        raise ValueError("no goal")
    if split not in ("", *SPLITS):
        raise ValueError("split is none of train, dev, test")
    text = record.get("text")
    if record.get("captions") is not None:
        try:
            text = caption_text(record["captions"], trim)
        except (KeyError, TypeError, ValueError):
            raise ValueError("captions are no list of {start, duration, text}") from None
    elif trim > 0:
        tally["kept whole, as the text has no times to trim by"] += 1
    if not isinstance(text, str):
        raise ValueError("neither text nor captions")
    return Video(video_id.strip(), goal_of(goal), text, split)


def hashed_splits(videos: Iterable[Video], seed: int) -> Iterator[tuple[Video, str]]:
    """Put the videos of each goal into train, dev and test as 75 : 12.5 : 12.5, in an order made by a hash.

    Of n videos the i-th (from 0) is at (i + 0.5) / n: below 0.75 is train, below 0.875 dev, the rest
    test. The order depends on the seed, the goal and the video ids alone, not on the order of the file.
    """
    by_goal: dict[str, list[Video]] = defaultdict(list)
    for video in videos:
        by_goal[video.key].append(video)
    for key, group in by_goal.items():
        group.sort(key=lambda video: digest_of(str(seed), key, video.video_id))
        for position, video in enumerate(group):
            place = (position + 0.5) / len(group)
            yield video, "train" if place < 0.75 else "dev" if place < 0.875 else "test"


def _splits(videos: Iterable[Video], seed: int) -> dict[str, Split]:
    """The splits that hold a video; a document stands once in a split, however many goals it serves."""
    placed = [(video, video.split) for video in videos if video.split]
    placed += hashed_splits((video for video in videos if not video.split), seed)
    splits = {}
    for name in SPLITS:
        members = sorted((v for v, split in placed if split == name), key=lambda v: (v.video_id, v.key))
        if not members:
            continue
        texts: dict[str, str] = {}
        for video in members:
            texts.setdefault(video.video_id, video.text)
        position = {video_id: index for index, video_id in enumerate(texts)}
        relevant: dict[str, list[int]] = defaultdict(list)
        for video in members:
            relevant[video.key].append(position[video.video_id])
        splits[name] = Split(name, list(texts), list(texts.values()), dict(sorted(relevant.items())))
    return splits


def read_goals(path: Path, known: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """The goals named in a file, one a line, that have videos; and the names of those that have none.

    Raises NotFound where the file is missing and BadInput where no goal in it has a video.
    """
    named = {goal_key(line): line for line in read_lines(path)}
    missing = [goal for key, goal in named.items() if key not in known]
    if len(missing) == len(named):
        raise BadInput(f"{path}: none of its {len(named)} goals has a video. Name goals of the videos' file.")
    return {key: goal for key, goal in known.items() if key in named}, missing
