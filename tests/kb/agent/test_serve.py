"""`howtree serve`: what a program gets over HTTP, from a real server on this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import urllib3
from support.command import Run
from support.schemas import checked
from support.small_kb import article, small_kb

from kb.agent.http import app
from kb.agent.patience import MOST_REQUESTS, Limited
from kb.agent.tools import Tools
from kb.store import KnowledgeBase

pytest.importorskip("fastapi", reason="needs howtree[agent]")
pytest.importorskip("uvicorn")

from support.listening import listening


@pytest.fixture(scope="module")
def address(sample_kb_path: Any) -> Iterator[str]:
    with (
        KnowledgeBase(sample_kb_path) as kb,
        closing(Tools(kb)) as tools,
        listening(app(tools, "127.0.0.1")) as address,
    ):
        yield address


def ask(address: str, tool: str, **more: Any) -> tuple[int, Any]:
    """Status and answer of a request; the queue of the listening socket holds it until the server has started."""
    done = urllib3.request("POST", f"{address}/{tool}", timeout=60, retries=False, **more)
    return done.status, json.loads(done.data) if done.data[:1] in (b"{", b"[") else done.data.decode()


def test_more_requests_than_can_be_answered_are_refused() -> None:
    """All but those that wait within the application."""
    released, statuses = asyncio.Event(), []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["body"] == b"{}"
        await released.wait()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    async def session() -> None:
        limited = Limited(slow, 100)
        scope = {"type": "http", "headers": [(b"content-length", b"2")], "method": "POST"}
        waiting = [asyncio.ensure_future(limited(scope, receive, send)) for _ in range(MOST_REQUESTS)]
        await asyncio.sleep(0)
        await limited(scope, receive, send)
        assert statuses == [503]
        released.set()
        await asyncio.gather(*waiting)
        await limited(scope, receive, send)
        assert statuses == [503]

    asyncio.run(session())


def test_every_tool_answers(address: str) -> None:
    status, found = ask(address, "find_procedure", json={"question": "how do I clean my oven"})
    assert status == 200 and found["goals"][0]["goal"] == "Clean an Oven"
    key = found["goals"][0]["key"]
    assert ask(address, "get_procedure", json={"key": key})[1]["text"].startswith("1. ")
    assert ask(address, "where_used", json={"key": key})[0] == 200
    status, plan = ask(address, "plan", json={"question": "clean the oven", "without": ["soda"]})
    assert status == 200 and checked(json.dumps(plan), "plan")["goal"]["goal"] == "Clean an Oven"
    assert ask(address, "query", json={"sql": "SELECT 1 AS one, 'nan'::DOUBLE AS none"})[1] == {
        "columns": ["one", "none"], "rows": [[1, "nan"]], "truncated": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("tool", "more", "status", "said"),
    [
        ("plan", {"json": {"question": "how do I file my taxes"}}, 404, "No goal fits"),
        ("get_procedure", {"json": {"key": "No Such Goal"}}, 404, "no goal"),
        ("expand_step", {"json": {"step_id": 10**12}}, 404, "linked to no goal"),
        ("find_procedure", {"json": {"question": "oven", "limit": 1000}}, 400, "from 1 to 30"),
        ("query", {"json": {"sql": "COPY goals TO 'x'"}}, 400, "only queries that read"),
        ("find_procedure", {"json": {}}, 422, "question"),
        ("find_procedure", {"body": b"no json"}, 422, ""),
        ("find_procedure", {"json": {"question": "o" * 20_000}}, 413, "20000 bytes"),
        ("find_procedure", {"json": {"question": "oven"}, "headers": {"Host": "evil.example"}}, 400, "Invalid host"),
        ("no_such_tool", {"json": {}}, 404, "Not Found"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_said(
    address: str, tool: str, more: dict[str, Any], status: int, said: str
) -> None:
    found, answer = ask(address, tool, **more)
    assert found == status and said in json.dumps(answer)


def test_a_body_without_its_length_is_refused(address: str) -> None:
    status, answer = ask(address, "find_procedure", body=iter([b'{"question": ', b'"oven"}']))
    assert status == 413 and "says how many" in answer["detail"]


def test_it_describes_itself(address: str) -> None:
    described = json.loads(urllib3.request("GET", f"{address}/openapi.json").data)
    names = {"find_procedure", "get_procedure", "plan", "expand_step", "where_used", "query"}
    assert {way["post"]["operationId"] for way in described["paths"].values()} == names
    assert b"openapi.json" in urllib3.request("GET", f"{address}/docs").data


def test_the_command_names_a_file_that_is_not_there(run: Run, tmp_path: Any) -> None:
    done = run("serve", "--kb", tmp_path / "no.duckdb")
    assert done.returncode == 1 and "no knowledge base" in done.stderr


def test_equal_goals_of_several_sites_are_found_once_with_the_others(tmp_path: Path) -> None:
    testclient = pytest.importorskip("starlette.testclient")
    same = [
        article(
            "Poach an Egg", "Crack the egg into a cup.", "Lift it out.", slug=f"s{i}", site=f"{i}.example"
        )
        for i in range(2)
    ]
    with KnowledgeBase(small_kb(tmp_path, same, group=True)) as kb, closing(Tools(kb)) as tools:
        client = testclient.TestClient(app(tools, "127.0.0.1"), base_url="http://127.0.0.1")
        found = client.post("/find_procedure", json={"question": "how do I poach an egg"}).json()
    (goal,) = found["goals"]
    assert goal["goal"] == "Poach an Egg" and [each["site"] for each in goal["alternatives"]] == ["1.example"]
