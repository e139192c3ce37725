-- The tables of a knowledge base. The views and macros that people query are in views.sql.
-- Ids are dense and follow the order of the keys, so the same articles always get the same ids.

-- One row per article. `key` is the identity across builds: language and page id, or language and slug.
CREATE TABLE articles (
    article_id    BIGINT NOT NULL,
    key           VARCHAR NOT NULL,
    language      VARCHAR NOT NULL,
    page_id       BIGINT,               -- the source's own number, e.g. wikiHow's wgArticleId
    slug          VARCHAR NOT NULL,     -- decoded: Deep-Clean-Your-House
    url           VARCHAR,
    title         VARCHAR NOT NULL,     -- as the source shows it
    goal          VARCHAR NOT NULL,     -- the title without "How to"
    introduction  VARCHAR,
    revision      BIGINT,
    licence       VARCHAR,
    source        VARCHAR,              -- file and line, or archive and record, that the article was read from
    content_hash  VARCHAR NOT NULL      -- changes when anything of the article does, where it was read aside
);

-- Other slugs under which an article is known: the names from which the source redirects to it.
CREATE TABLE aliases (
    article_id BIGINT NOT NULL,
    slug       VARCHAR NOT NULL
);

-- The category path of an article; level 1 is the broadest.
CREATE TABLE categories (
    article_id BIGINT NOT NULL,
    level      INTEGER NOT NULL,
    name       VARCHAR NOT NULL
);

-- The lists of steps. kind: 'method' (alternatives, one is enough), 'part' (all are needed),
-- 'question' (answers of their own) or 'single'.
CREATE TABLE methods (
    article_id    BIGINT NOT NULL,
    method_number INTEGER NOT NULL,
    kind          VARCHAR NOT NULL,
    name          VARCHAR
);

-- The steps, in reading order: step_id rises with article, method and step number.
CREATE TABLE steps (
    step_id       BIGINT NOT NULL,
    article_id    BIGINT NOT NULL,
    method_number INTEGER NOT NULL,
    step_number   INTEGER NOT NULL,
    headline      VARCHAR NOT NULL,     -- empty where the page has none; then read `body`
    body          VARCHAR NOT NULL,
    bullets       VARCHAR[] NOT NULL
);

-- The links that editors set inside steps, also those that lead to no article of this knowledge base.
CREATE TABLE hyperlinks (
    step_id         BIGINT NOT NULL,
    link_number     INTEGER NOT NULL,   -- order in the step, from 1
    target_language VARCHAR NOT NULL,
    target_slug     VARCHAR NOT NULL,
    target_title    VARCHAR NOT NULL,
    anchor          VARCHAR NOT NULL,
    place           VARCHAR NOT NULL,   -- headline, body or bullet
    target_id       BIGINT              -- the article it leads to, NULL where it is not here
);

-- The goals that the linker weighed for a step, best first.
CREATE TABLE candidates (
    step_id         BIGINT NOT NULL,
    rank            INTEGER NOT NULL,   -- from 1
    article_id      BIGINT NOT NULL,    -- the candidate goal
    retrieval_score FLOAT NOT NULL,     -- cosine of step and goal
    rerank_score    FLOAT,              -- NULL where no reranker ran
    probability     FLOAT NOT NULL      -- that the goal is the same procedure as the step
);

-- The best link of each step that has one: an editor's hyperlink if it leads to an article here, else the first
-- candidate. So at most one edge of a step is chosen, and another threshold needs no new build: it is a filter
-- on `probability`. The chosen edges come first, so a query for them reads no others.
CREATE TABLE edges (
    parent_id   BIGINT NOT NULL,        -- the article that holds the step
    step_id     BIGINT NOT NULL,
    child_id    BIGINT NOT NULL,        -- the article whose goal the step is
    probability FLOAT NOT NULL,         -- 1 for a hyperlink
    source      VARCHAR NOT NULL,       -- 'editor' (a hyperlink) or 'model'
    chosen      BOOLEAN NOT NULL        -- a hyperlink, or at least as probable as the threshold in meta
);

-- The names that a goal answers to, as hashes in order, so that finding one reads next to nothing.
CREATE TABLE names (
    hash       UBIGINT NOT NULL,        -- name_hash of a title, slug_hash of a slug (views.sql)
    place      INTEGER NOT NULL,        -- 1 title, 2 slug, 3 alias: titles go before slugs, slugs before aliases
    article_id BIGINT NOT NULL
);

-- The words of the goals, for search_goals: lower case, without accents.
CREATE TABLE words (
    word_id BIGINT NOT NULL,
    word    VARCHAR NOT NULL,
    weight  FLOAT NOT NULL,             -- rarity: ln(1 + goals / goals with the word)
    letters UBIGINT NOT NULL            -- letters_of the word (views.sql): words of unlike letters are not compared
);
CREATE TABLE goal_words (
    word_id     BIGINT NOT NULL,
    article_id  BIGINT NOT NULL,
    title_words INTEGER NOT NULL        -- the number of words of the goal
);

-- What was read and left out, with the reason.
CREATE TABLE skipped (
    source VARCHAR NOT NULL,            -- file and line, or record
    reason VARCHAR NOT NULL,
    detail VARCHAR
);

-- One row per build that made this file or one that it replaced, the newest last.
CREATE TABLE runs (
    run_id      INTEGER NOT NULL,
    started_at  TIMESTAMP NOT NULL,
    finished_at TIMESTAMP NOT NULL,
    version     VARCHAR NOT NULL,       -- of howtree
    inputs      JSON NOT NULL,          -- the sources with their digests
    models      JSON NOT NULL,          -- names and digests
    parameters  JSON NOT NULL,
    tally       JSON NOT NULL           -- read, kept, skipped by reason, seconds by stage
);

CREATE TABLE meta (
    key   VARCHAR NOT NULL,             -- 'schema_version', 'threshold', 'thresholds' (JSON, by beta), 'built_at' ...
    value VARCHAR NOT NULL
);
