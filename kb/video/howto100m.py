"""HowTo100M's files -> the JSON Lines of videos that the evaluation reads.

HowTo100M comes as HowTo100M_v1.csv (video_id, category_1, category_2, rank, task_id), task_ids.csv (task id
and name, tab-separated, no header) and the captions: caption.json or raw_caption.json, {video_id: {"start":
[...], "end": [...], "text": [...]}}, or a folder of VIDEO_ID.csv files with the columns start, end, text.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ijson

from howtree.errors import BadInput, NotFound
from howtree.files import written_aside
from howtree.progress import progress
from kb.video.corpus import goal_key, read_lines


def convert(
    captions: Path, videos: Path, tasks: Path, output: Path, goals: Path | None = None, top: int = 150
) -> Counter[str]:
    """Write {video_id, goal, captions} for the `top` search results of each task; return the tally.

    With `goals`, a file of one goal a line, only the tasks of these names. The captions are read as a stream,
    so memory holds one video and the list of videos. Raises NotFound or BadInput where a file cannot be used.
    """
    wanted = {goal_key(line) for line in read_lines(goals)} if goals else None
    names = _task_names(tasks)
    tally: Counter[str] = Counter()
    goal_of_video: dict[str, str] = {}
    for row in _rows(videos, ("video_id", "task_id", "rank")):
        tally["videos read"] += 1
        name = names.get(row["task_id"].strip())
        if name is None:
            tally["skipped: task without a name"] += 1
        elif not row["rank"].strip().isdigit():
            tally["skipped: no rank"] += 1
        elif int(row["rank"]) > top:
            tally["skipped: beyond the best results"] += 1
        elif wanted is not None and goal_key(name) not in wanted:
            tally["skipped: goal not asked for"] += 1
        else:
            goal_of_video[row["video_id"]] = name
    if not output.parent.is_dir():
        raise NotFound(f"{output.parent}: no such directory to write to. Make it, or name another with -o.")
    with written_aside(output) as aside, aside.open("w", encoding="utf-8") as file:
        for video_id, spoken in progress(_captions(captions), "captions", unit="videos"):
            goal = goal_of_video.pop(video_id, None)
            if goal is None:
                continue
            try:
                lines = _lines(spoken)
            except (KeyError, TypeError, ValueError):
                tally["skipped: broken captions"] += 1
                continue
            file.write(
                json.dumps({"video_id": video_id, "goal": goal, "captions": lines}, ensure_ascii=False) + "\n"
            )
            tally["kept"] += 1
    tally["skipped: no captions"] = len(goal_of_video)
    return tally


def _lines(spoken: Any) -> list[dict[str, Any]]:
    """Three parallel lists -> one caption each."""
    columns = spoken["start"], spoken["end"], spoken["text"]
    return [
        {"start": float(start), "end": float(end), "text": str(text)}
        for start, end, text in zip(*columns, strict=True)
    ]


def _task_names(path: Path) -> dict[str, str]:
    """Task id -> name; a tab or, in other copies of the file, a comma stands between them."""
    names = {}
    for line in read_lines(path):
        task_id, found, name = line.partition("\t") if "\t" in line else line.partition(",")
        if found and task_id.strip().isdigit():
            names[task_id.strip()] = name.strip().strip('"')
    if not names:
        raise BadInput(f"{path}: holds no line of task id, tab, name. Give HowTo100M's task_ids.csv.")
    return names


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """The rows of a CSV file that must have these columns."""
    if not path.is_file():
        raise NotFound(f"{path}: no such file. Give the path of an existing file.")
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.DictReader(file, restval="")
        if missing := set(columns) - set(reader.fieldnames or ()):
            raise BadInput(f"{path}: lacks the columns {', '.join(sorted(missing))}.")
        yield from reader


def _captions(path: Path) -> Iterator[tuple[str, Any]]:
    """Video id and its captions as three parallel lists, one video at a time."""
    if path.is_dir():
        for file in sorted(path.glob("*.csv")):
            rows = list(_rows(file, ("start", "end", "text")))
            yield file.stem, {name: [row[name] for row in rows] for name in ("start", "end", "text")}
        return
    if not path.is_file():
        raise NotFound(f"{path}: neither a file nor a folder. Give caption.json or the folder of CSV files.")
    with path.open("rb") as stream:
        try:
            yield from ijson.kvitems(stream, "", use_float=True)
        except ijson.JSONError as error:
            raise BadInput(f"{path}: no whole JSON object of videos ({error}).") from None
