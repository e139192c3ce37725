"""The tools as a server of the Model Context Protocol, over stdio or HTTP."""

from __future__ import annotations

import functools
from collections.abc import Callable
from inspect import signature
from typing import Any, get_type_hints

from howtree.errors import HowtreeError
from howtree.extras import required
from howtree.version import __version__
from kb.agent.patience import Limited
from kb.agent.tools import Tools

MOST_BYTES = 100_000
"""Of a message over HTTP."""
ABOUT = (
    "How-to procedures whose steps link to the goals that they are. Ask find_procedure or plan first; both say so "
    "where nothing fits. Links have a probability, and no procedure was tried out: tell people where steps come from."
)
DESCRIPTIONS = {
    "find_procedure": "Goals that a question in plain words asks for, best first; none where nothing fits.",
    "get_procedure": "A goal's methods and steps as text. key: from any answer, or a title. Lines with # can be "
    "expanded. If truncated, ask again with from_line = next_line.",
    "plan": "One ordered checklist for a task in plain words: goal, method, opened sub-goals, things needed, sources.",
    "expand_step": "The procedure of the goal that a step (#step_id) is linked to.",
    "where_used": "The goals that a goal is a part of, nearest first.",
    "query": "One read-only SQL (DuckDB) statement; views: goals, goal_steps, links, goal_things. Fenced.",
}


def server(tools: Tools) -> Any:
    """The server, to be run by its own `run`.

    Raises:
        BadUsage: the SDK is not installed.
    """
    mcpserver = required("mcp.server.mcpserver", "agent", "howtree mcp")
    types = required("mcp_types", "agent", "howtree mcp")
    made = mcpserver.MCPServer("howtree", version=__version__, instructions=ABOUT, log_level="WARNING")
    reads = types.ToolAnnotations(read_only_hint=True, open_world_hint=False)
    for name, description in DESCRIPTIONS.items():
        made.tool(name, description=description, annotations=reads)(told(getattr(tools, name)))

    def goal(key: str) -> str:
        return str(told(tools.get_procedure)(key).text)

    made.resource("howtree://goal/{key}", mime_type="text/plain", description="A goal's methods and steps.")(
        goal
    )
    made.prompt(name="make_a_plan", description="Make a plan for a task out of known procedures.")(
        make_a_plan
    )
    return made


def over_http(tools: Tools, host: str) -> Any:
    """The same server as an application over streamable HTTP, at /mcp: each request stands for itself.

    It sends nothing that was not asked for, so it opens no streams that would hold a place (GET is refused).

    Raises:
        BadUsage: the SDK is not installed.
    """
    return Limited(
        server(tools).streamable_http_app(stateless_http=True, host=host), MOST_BYTES, methods=("POST",)
    )


def make_a_plan(task: str) -> str:
    """What to tell an assistant that is to plan a task."""
    return (
        f"Make a plan for: {task}\nCall the tool plan with these words. If nothing fits, say so. Else give its steps "
        "in order, expand only what is unclear with expand_step, list what is needed, and name the sources."
    )


def told(tool: Callable[..., Any]) -> Callable[..., Any]:
    """A tool whose errors that people can mend reach the client as they are."""
    failure = required("mcp.server.mcpserver.exceptions", "agent", "howtree mcp").ToolError

    @functools.wraps(tool)
    def asked(*arguments: Any, **named: Any) -> Any:
        try:
            return tool(*arguments, **named)
        except HowtreeError as error:
            raise failure(str(error)) from error

    asked.__annotations__ = get_type_hints(tool)  # of this module's names the SDK would know none
    asked.__signature__ = signature(tool, eval_str=True)  # type: ignore[attr-defined]
    return asked
