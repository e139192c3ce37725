-- The frontier of a crawl: every address it knows, what became of it, and where its raw answer is.

CREATE TABLE IF NOT EXISTS hosts (
    id     INTEGER PRIMARY KEY,
    origin TEXT NOT NULL UNIQUE               -- "https://www.wikihow.com"
);

CREATE TABLE IF NOT EXISTS pages (
    id         INTEGER PRIMARY KEY,
    host       INTEGER NOT NULL REFERENCES hosts,
    path       TEXT NOT NULL,                 -- the one normal spelling of the page's path
    kind       TEXT NOT NULL,                 -- article, category or sitemap
    depth      INTEGER NOT NULL,              -- links followed from the nearest seed
    seed       INTEGER NOT NULL,              -- 1: asked for by the user, by name or through a list
    due        INTEGER,                       -- not before (seconds since 1970); NULL: nothing to do
    tries      INTEGER NOT NULL DEFAULT 0,    -- failed requests since it was put in line
    hops       INTEGER NOT NULL DEFAULT 0,    -- redirects that led here
    followed   INTEGER NOT NULL DEFAULT 0,    -- 1: its links are in the frontier
    outcome    TEXT,                          -- ok, restricted, gone, redirect, blocked, not_article, failed
    reason     TEXT,                          -- a short fixed phrase where the outcome needs one
    fetched_at INTEGER,                       -- seconds since 1970
    validator  TEXT,                          -- ETag or Last-Modified of the answer
    segment    INTEGER REFERENCES segments,   -- where the raw answer is
    start      INTEGER,
    alias      INTEGER REFERENCES pages,      -- of a redirect: the page it leads to
    target     TEXT,                          -- of a redirect out of the crawl: where; else: a spelling to ask by
    UNIQUE (host, path)
);
CREATE INDEX IF NOT EXISTS waiting ON pages (host, due, depth, id) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS leaves ON pages (depth) WHERE outcome = 'ok' AND kind = 'article' AND followed = 0;

CREATE TABLE IF NOT EXISTS segments (
    id    INTEGER PRIMARY KEY,
    name  TEXT NOT NULL UNIQUE,
    bytes INTEGER NOT NULL DEFAULT 0          -- up to here the frontier has counted its records
);

CREATE TABLE IF NOT EXISTS runs (
    id       INTEGER PRIMARY KEY,
    began    REAL NOT NULL,
    updated  REAL NOT NULL,
    settled  INTEGER NOT NULL DEFAULT 0,      -- pages with an outcome
    requests INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
