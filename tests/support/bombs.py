"""Queries that ask for far more time or memory than they may have, and a program that runs them all.

Where a query asks for both, either limit may be the one that it meets.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from howtree.errors import BadQuery
from kb.query.ask import running
from kb.query.children import Children
from kb.query.limits import Limits

DEAF = "SELECT 1 UNION ALL (WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n)"
"""A query without end that DuckDB itself cannot interrupt."""
TEXTS = {
    "repeat": "SELECT len(repeat('x', 4000000000))",
    "repeat many": "SELECT sum(len(repeat('x', 1000000 + range))) FROM range(1000000)",
    "pad": "SELECT len(lpad('x', 2000000000, 'y'))",
    "pad right": "SELECT len(rpad('x', 2000000000, 'yz'))",
    "format": "SELECT len(format('{:>2000000000}', 'x'))",
    "printf": "SELECT len(printf('%2000000000d', 1))",
    "replace": "SELECT len(replace(repeat('a', 100000), 'a', repeat('b', 100000)))",
    "replace a pattern": "SELECT len(regexp_replace(repeat('a', 100000), 'a', repeat('b', 100000), 'g'))",
    "a pattern that is large": "SELECT regexp_matches(repeat('a', 100000000), '((a{0,30}){0,30})b')",
    "patterns": "SELECT count(*) FROM range(100000000) WHERE regexp_matches(repeat('a', 1000), '(a*)*' || range)",
    "like": f"SELECT count(*) FROM range(1000000) WHERE repeat('a', 10000) || range LIKE '{'%a' * 50}%b'",
    "concatenated": "SELECT len(string_agg(repeat('x', 1000), ',')) FROM range(10000000)",
    "split": "SELECT len(string_split(repeat('a,', 100000000), ','))",
    "split by a pattern": "SELECT len(regexp_split_to_array(repeat('ab', 100000000), 'b'))",
    "reversed": "SELECT reverse(repeat('é', 500000000)) = 'x'",
    "bits": "SELECT bit_count(bitstring('1', 2000000000))",
    "hex": "SELECT len(hex(repeat('x', 400000000)))",
    "base64": "SELECT len(base64(repeat('x', 400000000)::BLOB))",
    "addresses": "SELECT len(url_encode(repeat('é', 100000000)))",
    "hashes": "SELECT count(sha256(repeat('x', 100000) || range)) FROM range(10000000)",
    "edit distance": "SELECT damerau_levenshtein(repeat('a', 100000), repeat('b', 100000))",
    "edit distances": "SELECT sum(levenshtein(repeat('a', 20000), repeat('b', 20000) || range)) FROM range(1000)",
    "likeness": "SELECT jaro_winkler_similarity(repeat('ab', 3000000), repeat('ba', 3000000))",
}
LISTS = {
    "unnest": "SELECT count(*) FROM (SELECT unnest(range(100000000)))",
    "range": "SELECT len(range(4000000000))",
    "series": "SELECT len(generate_series(TIMESTAMP '0001-01-01', TIMESTAMP '9999-01-01', INTERVAL 1 MINUTE))",
    "transformed": "SELECT len(list_transform(range(100000000), lambda i: repeat('x', i)))",
    "folded": "SELECT list_reduce(range(10000000), lambda a, b: a + b)",
    "grown": "SELECT len(list_resize([1], 4000000000, 1))",
    "sorted": "SELECT len(list_sort(list_transform(range(20000000), lambda i: hash(i))))",
    "flat": "SELECT len(flatten(list_transform(range(100000), lambda i: range(100000))))",
    "gathered": "SELECT len(list(range)) FROM range(1000000000)",
    "gathered texts": "SELECT list(repeat(range::VARCHAR, 1000)) FROM range(10000000)",
    "distinct": "SELECT len(list_distinct(range(100000000)))",
    "a map": "SELECT cardinality(map(range(50000000), range(50000000)))",
    "a histogram": "SELECT cardinality(histogram(range)) FROM range(100000000)",
    "json": "SELECT len(to_json(range(100000000)))",
    "nested json": "SELECT json_valid(repeat('[', 100000000))",
    "nested lists": "SELECT list_transform(range(9999), lambda i: list_transform(range(9999), lambda j: range(j)))",
}
ROWS = {
    "product": "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000) c WHERE a.range <> b.range % 7",
    "product of tables": "SELECT count(DISTINCT a.headline || b.headline || c.headline) FROM steps a, steps b, steps c",
    "a join without a key": "SELECT count(*) FROM range(10000000) a JOIN range(10000000) b ON a.range < b.range * 2",
    "a join on one value": "SELECT count(*) FROM range(10000000) a JOIN range(10000000) b ON a.range % 2 = b.range % 2",
    "a nearest join": "SELECT count(*) FROM range(100000000) a ASOF JOIN range(100000000) b ON a.range >= b.range",
    "sorted": "SELECT hash(range) AS h, repeat('x', 100) FROM range(100000000) ORDER BY h LIMIT 10 OFFSET 90000000",
    "grouped": "SELECT count(*) FROM (SELECT hash(range), count(*) FROM range(1000000000) GROUP BY 1)",
    "distinct": "SELECT count(DISTINCT hash(range)::VARCHAR) FROM range(1000000000)",
    "median": "SELECT median(hash(range)) FROM range(1000000000)",
    "modes": "SELECT mode(range::VARCHAR) FROM range(1000000000)",
    "windows": "SELECT count(DISTINCT range) OVER (ORDER BY range ROWS 100000 PRECEDING) FROM range(10000000)",
    "columns by rows": "PIVOT (SELECT range AS r, range % 50000 AS c FROM range(1000000)) ON c USING sum(r)",
    "sampled": "SELECT count(*) FROM (FROM range(1000000000) USING SAMPLE 90 PERCENT (reservoir))",
    "recursion": "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
    "recursion that cannot be interrupted": DEAF,
    "recursion that doubles": "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n FROM r, range(2)) TABLE r ORDER BY 1",
    "recursion of texts": "WITH RECURSIVE r AS (SELECT 'x' AS t UNION ALL SELECT t || t FROM r) SELECT max(t) FROM r",
    "recursion without repeats": "WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT n + range FROM r, range(99)) FROM r",
    "subqueries": "FROM range(99999) a WHERE (SELECT count(*) FROM range(99999) b WHERE b.range % 7 < a.range) > 5",
    "many rows": "FROM range(100000000000)",
    "wide rows": "SELECT repeat('x', 100000) FROM range(1000000000)",
    "long rows": "SELECT repeat('x', 5000) FROM range(1000000000)",
    "one wide row": "SELECT repeat('x', 100000000)",
    "trees": "SELECT count(*) FROM articles a, procedure_tree(a.goal, max_depth := 1000000, min_probability := 0)",
    "depths": "SELECT sum(a.goals) FROM depth_distribution(max_depth := 100000) a, range(1000000000) b",
    "words": "FROM search_goals(repeat('clean house ', 10000000))",
}
STATEMENTS = {
    "brackets": "SELECT " + "(" * 4_000,
    "a long condition": "FROM range(100000000) WHERE " + " OR ".join(f"range % {n} = 1" for n in range(2, 20_000)),
    "a long list": f"SELECT count(*) FROM range(100000000) WHERE range IN ({', '.join(map(str, range(20_000)))})",
    "many columns": f"SELECT {', '.join(f'{n} AS c{n}' for n in range(30_000))}",
    "many selects": " UNION ALL ".join(["SELECT 1"] * 10_000),
    "a written statement": "FROM query('SELECT ' || repeat('(', 4000))",
    "folded ahead": "SELECT 1 WHERE len(repeat('x', 3000000000)) > 1",
    "joins to be ordered": f"SELECT count(*) FROM {', '.join(f'links l{n}' for n in range(60))}",
    "squared again and again": "WITH t0 AS (FROM range(9) r(x)), "
    + ", ".join(f"t{n + 1} AS (SELECT a.x FROM t{n} a, t{n} b)" for n in range(24))
    + " FROM t24 ORDER BY 1",
}  # fmt: skip
BOMBS = {
    f"{kind}: {name}": sql
    for kind, several in (("text", TEXTS), ("list", LISTS), ("rows", ROWS), ("statement", STATEMENTS))
    for name, sql in several.items()
}
FOR_TORTURE = {
    *("text: patterns", "text: like", "text: hashes", "text: replace a pattern", "text: split by a pattern"),
    *("text: edit distances", "list: sorted", "list: nested lists", "rows: distinct", "rows: modes"),
    *("rows: sampled", "rows: product", "statement: a long condition", "statement: many selects"),
}
"""Those that a run of all tests leaves out, since others are like them."""
LIMITS = Limits(seconds=1.0, rows=10_000, memory=300, size=20)


def main(kb: Path, at_once: int, names: list[str]) -> None:
    """Run bombs, some at once; print for each how long it took, what was said, and the peak memory so far."""
    with Children(kb, memory=LIMITS.memory, shared=True) as children, ThreadPoolExecutor(at_once) as pool:

        def bomb(name: str) -> str:
            with running(children, BOMBS[name], LIMITS) as result:
                began, said = time.perf_counter(), "answered"
                try:
                    rows = sum(1 for _ in result.rows)
                    said = f"answered: {rows} rows"
                except BadQuery as error:
                    said = str(error)
                seconds = time.perf_counter() - began
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
            return json.dumps({"name": name, "seconds": seconds, "said": said, "peak": peak})

        for line in pool.map(bomb, names):
            print(line, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or list(BOMBS))
