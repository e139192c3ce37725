"""`howtree mcp`: what a client of the Model Context Protocol is told, over the SDK's own client."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import ROOT, Run, surroundings
from support.pages import blocks
from support.small_kb import article, small_kb

from howtree.errors import BadUsage
from kb.agent.tools import Tools
from kb.store import KnowledgeBase

mcp = pytest.importorskip("mcp", reason="needs howtree[agent]")
PAGE = ROOT / "docs" / "agents.md"


@pytest.fixture
def tools(sample_kb: KnowledgeBase) -> Iterator[Tools]:
    made = Tools(sample_kb)
    yield made
    made.close()


def asked(tools: Tools, ask: Callable[[Any], Awaitable[Any]]) -> Any:
    """What a client gets that is connected to a server within this process."""
    from kb.agent.server import server

    async def session() -> Any:
        async with mcp.Client(server(tools)) as client:
            return await ask(client)

    return asyncio.run(session())


def test_the_list_of_tools_is_short_and_says_that_they_read(tools: Tools) -> None:
    listed = asked(tools, lambda client: client.list_tools())
    names = {"find_procedure", "get_procedure", "plan", "expand_step", "where_used", "query"}
    assert {tool.name for tool in listed.tools} == names
    assert all(tool.annotations.read_only_hint and tool.output_schema for tool in listed.tools)
    assert len(listed.model_dump_json(by_alias=True, exclude_none=True)) / 4 < 2_000


def test_a_plan_of_two_levels_takes_one_call(tools: Tools) -> None:
    done = asked(tools, lambda client: client.call_tool("plan", {"question": "host a dinner party"}))
    plan = done.structured_content
    assert plan["goal"]["goal"] == "Host a Dinner Party"
    assert any("steps" in step for step in plan["steps"])
    assert len(json.dumps(plan, ensure_ascii=False)) / 4 <= 1_500


def test_equal_goals_are_one_hit_with_the_others(tmp_path: Path) -> None:
    sites = ("a.example", "b.example")
    goals = [
        article("Poach an Egg", "Crack the egg.", "Simmer it.", slug=f"s{i}", site=site)
        for i, site in enumerate(sites)
    ]
    with KnowledgeBase(small_kb(tmp_path, goals, group=True)) as kb:
        tools = Tools(kb)
        done = asked(tools, lambda client: client.call_tool("find_procedure", {"question": "poach an egg"}))
        tools.close()
    (hit,) = done.structured_content["goals"]
    assert [(other["key"], other["site"]) for other in hit["alternatives"]] == [("en:/s1", "b.example")]


def test_a_long_procedure_goes_on_where_it_was_cut(tools: Tools) -> None:
    whole = tools.get_procedure("Host a Dinner Party", 2, 20_000)
    assert not whole.truncated and whole.next_line is None and "#" in whole.text
    parts, line = [], 0
    while line is not None:
        part = tools.get_procedure("Host a Dinner Party", 2, 200, line)
        assert len(part.text) <= 800 and part.truncated is (part.next_line is not None)
        parts.append(part.text)
        line = part.next_line
    assert len(parts) > 2 and "\n".join(parts) == whole.text


def test_a_step_is_expanded_by_its_handle(tools: Tools) -> None:
    text = tools.get_procedure("Host a Dinner Party").text
    step = next(line for line in text.splitlines() if "-> Deep Clean Your House" in line)
    found = tools.expand_step(int(step.split("#")[1].split()[0]))
    assert found.goal == "Deep Clean Your House"
    assert "Host a Dinner Party" in [use.goal for use in tools.where_used(found.key).goals]


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("query", {"sql": "COPY goals TO 'x'"}, "only queries that read"),
        ("query", {"sql": "SELECT * FROM read_csv('/etc/passwd')"}, "disabled"),
        ("get_procedure", {"key": "No Such Goal At All"}, "no goal"),
        ("expand_step", {"step_id": 10**12}, "linked to no goal"),
        ("plan", {"question": "how do I file my taxes"}, "No goal fits"),
        ("plan", {"question": "oven " * 2000}, "10,000 characters"),
        ("find_procedure", {"question": "oven", "limit": 1000}, "from 1 to 30"),
        ("get_procedure", {"key": "1", "max_tokens": 1}, "max_tokens"),
    ],
)
def test_what_cannot_be_answered_is_said(
    tools: Tools, tool: str, arguments: dict[str, Any], said: str
) -> None:
    done = asked(tools, lambda client: client.call_tool(tool, arguments))
    assert done.is_error and said in done.content[0].text


def test_nothing_fits_is_no_error(tools: Tools) -> None:
    done = asked(tools, lambda client: client.call_tool("find_procedure", {"question": "file my taxes"}))
    assert not done.is_error and done.structured_content == {"goals": [], "truncated": False}


def test_answers_to_queries_are_cut(tools: Tools) -> None:
    found = tools.query("SELECT goal, repeat('x', 5000) AS long FROM goals ORDER BY article_id", 2)
    assert (found.columns, len(found.rows), found.truncated) == (["goal", "long"], 2, True)
    assert len(found.rows[0][1]) == 2_000
    with pytest.raises(BadUsage):
        tools.query("SELECT 1", 10_000)


def test_a_goal_is_a_resource_and_there_is_a_prompt(tools: Tools) -> None:
    text = asked(tools, lambda client: client.read_resource("howtree://goal/Clean-an-Oven"))
    assert text.contents[0].text.startswith("1. ")
    told = asked(tools, lambda client: client.get_prompt("make_a_plan", {"task": "clean my oven"}))
    assert "clean my oven" in told.messages[0].content.text


def test_the_session_of_the_page(own_sample_kb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over stdin and stdout, with a server of its own."""
    (code,), (_, shown) = blocks(PAGE, "python"), blocks(PAGE, "text")
    assert set(json.loads(blocks(PAGE, "json")[0])["mcpServers"]) == {"howtree"}
    monkeypatch.chdir(own_sample_kb.parent)
    inherited = f'env={{"PYTHONPATH": {str(ROOT)!r}, "PATH": {os.environ["PATH"]!r}}}'
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code.replace('"kb.duckdb"])', f'"kb.duckdb"], {inherited})'), {})
    assert printed.getvalue().strip() == shown.strip()


def test_a_client_of_lines_of_json_is_answered_and_may_vanish(sample_kb_path: Path) -> None:
    """JSON-RPC by hand, without the SDK; a client that goes away in the middle of a request leaves no server behind."""
    words = [sys.executable, "-m", "kb", "mcp", "--kb", str(sample_kb_path)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, env=surroundings(), stderr=subprocess.DEVNULL, **pipes) as server:
        assert server.stdin and server.stdout

        def tell(method: str, **more: Any) -> None:
            server.stdin.write(json.dumps({"jsonrpc": "2.0", "method": method, **more}) + "\n")
            server.stdin.flush()

        def ask(number: int, method: str, **parameters: Any) -> Any:
            tell(method, id=number, params=parameters)
            answer = json.loads(server.stdout.readline())
            assert answer["id"] == number
            return answer["result"]

        me = {"name": "by hand", "version": "1"}
        ready = ask(1, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=me)
        assert ready["serverInfo"]["name"] == "howtree"
        tell("notifications/initialized")
        listed = ask(2, "tools/list")
        assert len(json.dumps(listed, separators=(",", ":"))) / 4 < 2_000
        asked = {"question": "how do I clean my oven"}
        found = ask(3, "tools/call", name="find_procedure", arguments=asked)
        assert found["structuredContent"]["goals"][0]["goal"] == "Clean an Oven"
        tell("tools/call", id=4, params={"name": "plan", "arguments": asked})
        server.stdin.close()
        server.stdout.close()
        server.wait(60)


def test_the_command_names_a_file_that_is_not_there(run: Run, tmp_path: Path) -> None:
    done = run("mcp", "--kb", tmp_path / "no.duckdb")
    assert done.returncode == 1 and "no knowledge base" in done.stderr
