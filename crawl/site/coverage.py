"""How far a crawl has come: outcomes, rate, time left, and what became of its seeds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from crawl.site.frontier import MAX_HOPS, Frontier
from crawl.site.page import OUTCOMES

_OUTCOMES = """
    SELECT coalesce(outcome, 'waiting'), coalesce(reason, ''), count(*)
    FROM pages GROUP BY 1, 2 ORDER BY 3 DESC"""
_SEEDS = f"""
    WITH RECURSIVE trail (page, hops) AS (
        SELECT id, 0 FROM pages WHERE seed = 1 AND kind = 'article' AND alias IS NOT NULL
        UNION ALL
        SELECT pages.alias, trail.hops + 1 FROM trail JOIN pages ON pages.id = trail.page
        WHERE pages.alias IS NOT NULL AND trail.hops <= {MAX_HOPS}
    )
    SELECT outcome, sum(count), sum(moved) FROM (
        SELECT coalesce(outcome, 'waiting') AS outcome, count(*) AS count, 0 AS moved
        FROM pages WHERE seed = 1 AND kind = 'article' AND alias IS NULL GROUP BY 1
        UNION ALL
        SELECT coalesce(pages.outcome, 'waiting'), count(*), count(*)
        FROM trail JOIN pages ON pages.id = trail.page WHERE pages.alias IS NULL GROUP BY 1
    ) GROUP BY 1 ORDER BY 2 DESC"""
_LAST_RUN = "SELECT began, updated, settled, requests FROM runs WHERE settled > 0 ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Coverage:
    """The state of a crawl's frontier."""

    outcomes: dict[str, int]
    """Pages by outcome."""
    reasons: dict[str, dict[str, int]]
    """Of an outcome, pages by reason where there is one."""
    waiting: int
    """Pages in line, pages to be visited again among them."""
    seeds: dict[str, int]
    """Articles asked for, by what became of them at the end of their redirects."""
    seeds_by_redirect: int
    """Those of them that are here under another address."""
    last_run: str
    """When the last run that brought a page was at work, ISO 8601; empty where none was."""
    pages_an_hour: float
    requests: int
    """Requests of that run."""
    hours_left: float | None
    """Time for what waits, at that rate."""

    @classmethod
    def of(cls, frontier: Frontier) -> Coverage:
        """Count the whole frontier; seconds for a million pages."""
        outcomes: dict[str, int] = {}
        reasons: dict[str, dict[str, int]] = {}
        for outcome, reason, count in cast(list[tuple[str, str, int]], frontier.query(_OUTCOMES)):
            outcomes[outcome] = outcomes.get(outcome, 0) + count
            if reason and outcome != "waiting":
                reasons.setdefault(outcome, {})[reason] = count
        outcomes.pop("waiting", None)
        seeds = cast(list[tuple[str, int, int]], frontier.query(_SEEDS))
        began, updated, settled, requests = cast(
            tuple[float, float, int, int], (frontier.query(_LAST_RUN) or [(0.0, 0.0, 0, 0)])[0]
        )
        rate = settled / max(updated - began, 1.0) * 3600
        waiting = frontier.waiting()
        return cls(
            outcomes={outcome: outcomes[outcome] for outcome in OUTCOMES if outcome in outcomes},
            reasons=reasons,
            waiting=waiting,
            seeds={outcome: count for outcome, count, _ in seeds},
            seeds_by_redirect=next((moved for outcome, _, moved in seeds if outcome == "ok"), 0),
            last_run=datetime.fromtimestamp(updated, UTC).isoformat(timespec="seconds") if updated else "",
            pages_an_hour=round(rate, 1),
            requests=requests,
            hours_left=round(waiting / rate, 2) if rate else None,
        )

    def lines(self) -> list[str]:
        """The report as text, one line per outcome."""
        rows = [f"{outcome:<12}{count:>9,}{self._why(outcome)}" for outcome, count in self.outcomes.items()]
        rows.append(f"{'waiting':<12}{self.waiting:>9,}")
        total = sum(self.seeds.values())
        if total:
            here = self.seeds.get("ok", 0)
            rest = "".join(
                f", {count:,} {outcome}" for outcome, count in self.seeds.items() if outcome != "ok"
            )
            moved = f" ({self.seeds_by_redirect:,} by redirect)" if self.seeds_by_redirect else ""
            rows.append(f"seeds: {here:,} of {total:,} articles are here ({here / total:.1%}){moved}{rest}")
        if self.last_run:
            rows.append(
                f"last run: until {self.last_run}, {self.requests:,} requests, "
                f"{self.pages_an_hour:,.0f} pages an hour"
            )
        if self.waiting and self.hours_left is not None:
            rows.append(f"time left: about {self.hours_left:,.1f} hours at this rate")
        return rows

    def _why(self, outcome: str) -> str:
        reasons = self.reasons.get(outcome, {})
        return (
            "  " + ", ".join(f"{reason}: {count:,}" for reason, count in reasons.items()) if reasons else ""
        )
