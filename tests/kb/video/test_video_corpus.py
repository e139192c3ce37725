"""Reading videos: captions and their trim, splits by hash, broken records, HowTo100M's files."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.video_samples import write_videos
from typer.testing import CliRunner

from howtree.errors import BadInput, HowtreeError, NotFound
from kb.commands.cli import app
from kb.video.corpus import caption_text, goal_key, read_videos

CAPTIONS = [
    {"start": 0, "duration": 4, "text": "hello"},
    {"start": 9, "duration": 4, "text": "all"},
    {"start": 10, "duration": 4, "text": "crack"},
    {"start": 15.5, "end": 20, "text": " eggs "},
    {"start": 18, "duration": 4, "text": "bye"},
    {"start": 26, "duration": 4, "text": "subscribe"},
]


def test_captions_are_joined_in_order() -> None:
    assert caption_text(CAPTIONS) == "hello all crack eggs bye subscribe"


def test_the_trim_drops_captions_that_reach_into_either_end() -> None:
    assert caption_text(CAPTIONS, trim=10) == "crack eggs"
    assert caption_text(CAPTIONS, trim=20) == caption_text([], trim=10) == ""


def test_captions_and_texts_are_read_alike(tmp_path: Path) -> None:
    videos = [
        {"video_id": "b", "goal": "How to fry eggs", "split": "train", "captions": CAPTIONS},
        {"video_id": "a", "goal": "Fry Eggs", "split": "train", "text": "plain"},
    ]
    found = read_videos(write_videos(tmp_path / "videos.jsonl", videos), trim=10)
    assert found.splits["train"].texts == ["plain", "crack eggs"]
    assert found.goals == {"fry eggs": "fry eggs"}
    assert found.splits["train"].relevant == {"fry eggs": [0, 1]}
    assert found.tally["kept whole, as the text has no times to trim by"] == 1


def test_a_gzipped_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "videos.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"video_id": "a", "goal": "g", "text": "t"}\n'))
    assert read_videos(path).tally["kept"] == 1


@pytest.mark.parametrize(
    ("title", "key"),
    [("How to  Fry Eggs", "fry eggs"), ("fry EGGS", "fry eggs"), ("How to", "how to"), ("HOW TO Öl", "öl")],
)
def test_goals_are_matched_without_how_to_case_and_blanks(title: str, key: str) -> None:
    assert goal_key(title) == key


def test_broken_records_are_counted_and_named_and_the_rest_is_read(tmp_path: Path) -> None:
    whole = {"video_id": "a", "goal": "g", "text": "t"}
    path = write_videos(
        tmp_path / "videos.jsonl",
        [
            whole,
            "{not json",
            "[1]",
            {**whole, "video_id": 7},
            {**whole, "goal": " "},
            {**whole, "split": "holdout"},
            {"video_id": "b", "goal": "g"},
            {"video_id": "b", "goal": "g", "captions": [{"start": "soon", "text": "t"}]},
            {**whole, "goal": "How to G"},
            {**whole, "goal": "another"},
            "",
        ],
    )
    with path.open("ab") as file:
        file.write(b'{"video_id": "\xff", "goal": "g", "text": "t"}\n')
    found = read_videos(path)
    assert (found.tally["read"], found.tally["kept"]) == (11, 2)
    skipped = {
        name.removeprefix("skipped: "): n for name, n in found.tally.items() if name.startswith("skipped")
    }
    assert skipped == dict.fromkeys(
        [
            "not JSON",
            "not a JSON object",
            "no video_id",
            "no goal",
            "split is none of train, dev, test",
            "neither text nor captions",
            "captions are no list of {start, duration, text}",
            "repeated video of the same goal",
            "not UTF-8",
        ],
        1,
    )
    assert "videos.jsonl:2: not JSON" in found.skipped


def test_a_video_of_two_goals_is_one_document(tmp_path: Path) -> None:
    videos = [{"video_id": "a", "goal": goal, "split": "dev", "text": "t"} for goal in ("g", "h")]
    split = read_videos(write_videos(tmp_path / "videos.jsonl", videos)).splits["dev"]
    assert (split.ids, split.relevant) == (["a"], {"g": [0], "h": [0]})


def test_without_a_usable_video_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no video"):
        read_videos(write_videos(tmp_path / "videos.jsonl", ["{}"]))
    with pytest.raises(NotFound):
        read_videos(tmp_path / "nowhere.jsonl")
    (tmp_path / "torn.gz").write_bytes(gzip.compress(b"{}" * 9999)[:-9])
    with pytest.raises(BadInput, match="cannot be read"):
        read_videos(tmp_path / "torn.gz")


def unsplit(count: int, goal: str = "g") -> list[dict[str, Any]]:
    return [{"video_id": f"v{number}", "goal": goal, "text": "t"} for number in range(count)]


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, (1, 0, 0)), (2, (1, 1, 0)), (8, (6, 1, 1)), (56, (42, 7, 7)), (9, (7, 1, 1))]
)
def test_videos_without_a_split_are_split_by_hash_within_their_goal(
    tmp_path: Path, count: int, sizes: tuple[int, ...]
) -> None:
    found = read_videos(write_videos(tmp_path / "videos.jsonl", [*unsplit(count), *unsplit(count, "h")]))
    for goal in ("g", "h"):
        held = Counter({name: len(split.relevant.get(goal, [])) for name, split in found.splits.items()})
        assert (held["train"], held["dev"], held["test"]) == sizes


def test_hashed_splits_depend_on_the_seed_and_not_on_the_order(tmp_path: Path) -> None:
    def split(videos: list[dict[str, Any]], seed: int) -> list[str]:
        return read_videos(write_videos(tmp_path / "videos.jsonl", videos), seed=seed).splits["train"].ids

    assert split(unsplit(40), 0) == split(unsplit(40)[::-1], 0) != split(unsplit(40), 1)


# --- HowTo100M ---


@pytest.fixture
def howto100m(tmp_path: Path) -> Path:
    (tmp_path / "task_ids.csv").write_text("7\tHow to Fry Eggs\n8\tWash a Dog\n", encoding="utf-8")
    (tmp_path / "HowTo100M_v1.csv").write_text(
        "video_id,category_1,category_2,rank,task_id\n"
        "aa,Food,Eggs,1,7\nbb,Food,Eggs,151,7\ncc,Pets,Dogs,2,8\ndd,Pets,Dogs,3,9\nee,Pets,Dogs,x,8\nff,Pets,,4,8\n",
        encoding="utf-8",
    )
    captions = {
        "aa": {"start": [0.0, 12.5], "end": [4.0, 31], "text": ["hi", "crack an egg"]},
        "bb": {"start": [0], "end": [1], "text": ["late"]},
        "cc": {"start": [0], "end": [], "text": ["uneven"]},
        "zz": {"start": [0], "end": [1], "text": ["no search result"]},
    }
    (tmp_path / "caption.json").write_text(json.dumps(captions), encoding="utf-8")
    return tmp_path


def convert(folder: Path, *options: str, captions: str = "caption.json") -> tuple[list[dict[str, Any]], str]:
    output = folder / "videos.jsonl"
    files = {"--captions": captions, "--videos": "HowTo100M_v1.csv", "--tasks": "task_ids.csv"}
    arguments = [part for option, name in files.items() for part in (option, str(folder / name))]
    result = CliRunner().invoke(app, ["evaluate", "howto100m", *arguments, "-o", str(output), *options])
    if result.exception:
        raise result.exception
    return [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()], result.stderr


def test_howto100m_becomes_videos_that_the_evaluation_reads(howto100m: Path) -> None:
    videos, said = convert(howto100m)
    assert [(video["video_id"], video["goal"]) for video in videos] == [("aa", "How to Fry Eggs")]
    assert read_videos(howto100m / "videos.jsonl", trim=4).splits["train"].texts == [""]
    assert read_videos(howto100m / "videos.jsonl").splits["train"].texts == ["hi crack an egg"]
    for reason in (
        "task without a name",
        "no rank",
        "beyond the best results",
        "broken captions",
        "no captions",
    ):
        assert f"skipped: {reason}: 1" in said


def test_howto100m_captions_as_a_folder_of_csv_files(howto100m: Path) -> None:
    folder = howto100m / "captions"
    folder.mkdir()
    (folder / "ff.csv").write_text('start,end,text\n0,2,rinse\n2,5,"dry, well"\n', encoding="utf-8")
    (howto100m / "goals.txt").write_text("wash a dog\n", encoding="utf-8")
    videos, said = convert(howto100m, "--goals", str(howto100m / "goals.txt"), captions="captions")
    assert [caption["text"] for caption in videos[0]["captions"]] == ["rinse", "dry, well"]
    assert "skipped: goal not asked for: 1" in said


def test_howto100m_takes_as_many_results_as_asked(howto100m: Path) -> None:
    assert [video["video_id"] for video in convert(howto100m, "--top", "200")[0]] == ["aa", "bb"]


def test_a_folder_that_is_missing_is_explained(howto100m: Path) -> None:
    with pytest.raises(NotFound, match="no such directory"):
        convert(howto100m, "-o", str(howto100m / "missing" / "videos.jsonl"))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("caption.json", '{"aa": {"start": [0', "no whole JSON object"),
        ("HowTo100M_v1.csv", "video,task\n", "lacks the columns"),
        ("task_ids.csv", "no tasks here\n", "task_ids.csv"),
    ],
)
def test_howto100m_files_that_cannot_be_used_are_explained(
    howto100m: Path, file: str, content: str, message: str
) -> None:
    (howto100m / file).write_text(content, encoding="utf-8")
    with pytest.raises(HowtreeError, match=message):
        convert(howto100m)
    assert not (howto100m / "videos.jsonl").exists()
