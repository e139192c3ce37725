-- The tables of a knowledge base. The views and macros that people query are in views.sql. The comments here are also
-- in the file itself: a remark above a table or behind a column becomes its COMMENT (kb/build/comments.py).
-- Ids are dense and follow the order of the keys, so the same articles always get the same ids.
-- No table declares keys: DuckDB would keep an index for each. With the primary keys of articles, methods, steps, edges and
-- guesses alone, a file of 300,000 steps takes 13% longer to load and is 11% larger, with those of hyperlinks and
-- candidates too 57% and 77%; `howtree check` and every build prove the keys instead.
-- Short texts that are looked up a few rows at a time are not compressed: of a compressed column DuckDB unpacks a dictionary for
-- each row group, however few rows are asked for.

-- One row per article. Key: article_id. No key is declared in this file, for the index of each would cost more than 5% of the
-- time to load (measured: 13% to 57%): howtree check proves them.
CREATE TABLE articles (
    article_id    BIGINT NOT NULL,      -- id of the article in this file, from 1 in the order of the keys
    key           VARCHAR NOT NULL USING COMPRESSION uncompressed, -- identity across builds: language and page id or slug
    site          VARCHAR,              -- host or name of the source; NULL where the source names none
    language      VARCHAR NOT NULL,     -- language code, e.g. en
    page_id       BIGINT,               -- the source's own number, e.g. wikiHow's wgArticleId
    slug          VARCHAR NOT NULL,     -- decoded: Deep-Clean-Your-House
    url           VARCHAR USING COMPRESSION uncompressed, -- address of the article
    title         VARCHAR NOT NULL,     -- as the source shows it
    goal          VARCHAR NOT NULL USING COMPRESSION uncompressed, -- the title without "How to"
    introduction  VARCHAR,              -- what the article says before its steps
    revision      BIGINT,               -- the source's number of this state of the article
    licence       VARCHAR,              -- the licence note of the source
    source        VARCHAR,              -- file and line, or archive and record, that the article was read from
    published     VARCHAR,              -- ISO 8601 date, where the source has one
    modified      VARCHAR,              -- ISO 8601 date of the last change, where the source has one
    fetched_at    VARCHAR,              -- ISO 8601 time at which the page was fetched, where that is known
    content_hash  VARCHAR NOT NULL      -- changes when anything of the article does, where it was read aside
);

-- Other slugs under which an article is known: the names from which the source redirects to it.
CREATE TABLE aliases (
    article_id BIGINT NOT NULL,         -- the article
    number     INTEGER NOT NULL,        -- place, from 1
    slug       VARCHAR NOT NULL         -- the other slug
);

-- The category path of an article. Key: article_id, level.
CREATE TABLE categories (
    article_id BIGINT NOT NULL,         -- the article
    level      INTEGER NOT NULL,        -- 1 is the broadest
    name       VARCHAR NOT NULL         -- name of the category
);

-- The lists of steps of an article. Key: article_id, method_number.
CREATE TABLE methods (
    article_id    BIGINT NOT NULL,      -- the article
    method_number INTEGER NOT NULL,     -- place in the article, from 1
    kind          VARCHAR NOT NULL,     -- method (one is enough), part (all are needed), question (answers) or single
    name          VARCHAR USING COMPRESSION uncompressed -- heading of the list
);

-- The steps, in reading order: step_id rises with article, method and step number. Key: step_id.
CREATE TABLE steps (
    step_id       BIGINT NOT NULL,      -- id of the step in this file
    article_id    BIGINT NOT NULL,      -- the article that holds it
    method_number INTEGER NOT NULL,     -- the list that holds it
    step_number   INTEGER NOT NULL,     -- place in the list, from 1
    headline      VARCHAR NOT NULL,     -- empty where the page has none; then read `body`
    body          VARCHAR NOT NULL,     -- the text below the headline
    bullets       VARCHAR[] NOT NULL    -- the points below the text
);

-- What one needs for an article, in its order.
CREATE TABLE things (
    article_id BIGINT NOT NULL,         -- the article
    kind       VARCHAR NOT NULL,        -- ingredient, thing or tool
    number     INTEGER NOT NULL,        -- place among those of its kind, from 1
    text       VARCHAR NOT NULL USING COMPRESSION uncompressed, -- as the article has it
    amount     VARCHAR                  -- number and unit where the text plainly begins with them
);

-- Tips and warnings of an article, in its order.
CREATE TABLE notes (
    article_id BIGINT NOT NULL,         -- the article
    kind       VARCHAR NOT NULL,        -- tip or warning
    number     INTEGER NOT NULL,        -- place among those of its kind, from 1
    text       VARCHAR NOT NULL         -- as the article has it
);

-- The references of an article, in its order.
CREATE TABLE citations (
    article_id BIGINT NOT NULL,         -- the article
    number     INTEGER NOT NULL,        -- place, from 1
    text       VARCHAR NOT NULL         -- as the article has it
);

-- The articles that an article names as related.
CREATE TABLE related (
    article_id BIGINT NOT NULL,         -- the article
    number     INTEGER NOT NULL,        -- place, from 1
    slug       VARCHAR NOT NULL         -- slug of the related article, which need not be here
);

-- Goals of several sites that are the same procedure, of which a reader may choose any. Empty where nothing was grouped.
CREATE TABLE alternatives (
    group_id   BIGINT NOT NULL,         -- the group, by its smallest article_id
    article_id BIGINT NOT NULL          -- a goal of the group; a goal is in one group at most
);

-- The links that editors set inside steps, also those that lead to no article of this knowledge base.
-- Key: step_id, link_number.
CREATE TABLE hyperlinks (
    step_id         BIGINT NOT NULL,    -- the step
    link_number     INTEGER NOT NULL,   -- order in the step, from 1
    target_language VARCHAR NOT NULL,   -- language of the article it leads to
    target_slug     VARCHAR NOT NULL,   -- slug of the article it leads to
    target_title    VARCHAR NOT NULL,   -- title of the article it leads to, as the link gives it
    anchor          VARCHAR NOT NULL,   -- the words that are linked
    place           VARCHAR NOT NULL,   -- headline, body or bullet
    target_id       BIGINT              -- the article it leads to, NULL where it is not here
);

-- The goals that the linker weighed for a step, best first. Key: step_id, rank.
CREATE TABLE candidates (
    step_id         BIGINT NOT NULL,    -- the step
    rank            INTEGER NOT NULL,   -- from 1
    article_id      BIGINT NOT NULL,    -- the candidate goal
    retrieval_score FLOAT NOT NULL,     -- cosine of step and goal
    rerank_score    FLOAT,              -- NULL where no reranker ran
    probability     FLOAT NOT NULL,     -- that the goal is the same procedure as the step
    relation        VARCHAR             -- exact or helpful; NULL where nobody decided
);

-- The links: one row per step that is linked to a goal. An editor's hyperlink that covers the headline's action beats the
-- model's first candidate, which is a link from the threshold in meta on. A step has one link at most. Key: step_id.
CREATE TABLE edges (
    parent_id   BIGINT NOT NULL,        -- the article that holds the step
    step_id     BIGINT NOT NULL,        -- the step
    child_id    BIGINT NOT NULL,        -- the article whose goal the step is
    probability FLOAT NOT NULL,         -- that the goal is the same procedure as the step; 1 for a hyperlink or a verdict
    source      VARCHAR NOT NULL,       -- editor (a hyperlink), model, or person (a verdict)
    relation    VARCHAR                 -- exact or helpful; NULL where nobody decided
);

-- The first candidate of each step that has no link: what a lower threshold would link it to. Copied from candidates,
-- so that a bolder tree is as quick as the tree of links. Key: step_id.
CREATE TABLE guesses (
    parent_id   BIGINT NOT NULL,        -- the article that holds the step
    step_id     BIGINT NOT NULL,        -- the step
    child_id    BIGINT NOT NULL,        -- its first candidate
    probability FLOAT NOT NULL,         -- that the goal is the same procedure as the step
    source      VARCHAR NOT NULL,       -- model
    relation    VARCHAR                 -- exact or helpful; NULL where nobody decided
);

-- What people said of links, where it was written into the file (howtree review bake).
CREATE TABLE verdicts (
    review_id VARCHAR,                  -- id of the review
    state     VARCHAR,                  -- current, superseded, stale (no such step now) or goal gone
    step_id   BIGINT,                   -- the step judged
    parent_id BIGINT,                   -- the article that holds it
    goal_id   BIGINT,                   -- the goal judged; NULL with "no link"
    verdict   VARCHAR,                  -- exact, helpful, related, unhelpful, another goal or no link
    who       VARCHAR,                  -- who judged; model:NAME is a model, which has no vote
    judged_at TIMESTAMP,                -- when
    note      VARCHAR                   -- the judge's remark
);

-- Vectors of goals for search by meaning, of the title and the mean of the steps. A goal of which no word is known has none.
CREATE TABLE goal_vectors (
    encoder    VARCHAR NOT NULL,        -- name of the encoder that made them
    article_id BIGINT NOT NULL,         -- the goal
    scale      FLOAT NOT NULL,          -- times this, the whole numbers are the parts of the vector
    vector     TINYINT[] NOT NULL       -- one whole number per dimension
);

-- The names that a goal answers to, as hashes in order, so that finding one reads next to nothing.
CREATE TABLE names (
    hash       UBIGINT NOT NULL,        -- name_hash of a title, slug_hash of a slug (macros)
    place      INTEGER NOT NULL,        -- 1 title, 2 slug, 3 alias: titles go before slugs, slugs before aliases
    article_id BIGINT NOT NULL          -- the goal
);

-- The words of the goals, for search_goals: lower case, without accents.
CREATE TABLE words (
    word_id BIGINT NOT NULL,            -- id of the word in this file
    word    VARCHAR NOT NULL USING COMPRESSION uncompressed, -- the word
    stem    VARCHAR NOT NULL USING COMPRESSION uncompressed, -- stem_of the word (a macro): it without its inflection
    weight  FLOAT NOT NULL,             -- rarity: ln(1 + goals / goals with the word)
    letters UBIGINT NOT NULL            -- letters_of the word (a macro): words of unlike letters are not compared
);

-- Which goals have which word in their title.
CREATE TABLE goal_words (
    word_id      BIGINT NOT NULL,       -- the word
    article_id   BIGINT NOT NULL,       -- the goal
    title_length FLOAT NOT NULL         -- title_length of the goal (a macro)
);

-- Which goals have words in their steps or things that no title has: of such a question word no step is read.
CREATE TABLE step_words (
    stem         VARCHAR NOT NULL,      -- stem_of the word (a macro)
    article_id   BIGINT NOT NULL,       -- the goal
    title_length FLOAT NOT NULL         -- title_length of the goal (a macro)
);

-- The things by each of their words, for goals_using: in the order of its answer and with all that is in it, so that it
-- reads the rows of the word that is asked for and nothing else.
CREATE TABLE things_by_word (
    word       VARCHAR NOT NULL,        -- the word, as words_of gives it (a macro)
    goal       VARCHAR NOT NULL,        -- the goal that needs the thing
    article_id BIGINT NOT NULL,         -- its article
    kind       VARCHAR NOT NULL,        -- ingredient, thing or tool
    number     INTEGER NOT NULL,        -- place of the thing among those of its kind, from 1
    text       VARCHAR NOT NULL         -- the thing, as the article has it
);

-- What was read and left out, with the reason.
CREATE TABLE skipped (
    source VARCHAR NOT NULL,            -- file and line, or record
    reason VARCHAR NOT NULL,            -- a short fixed phrase
    detail VARCHAR                      -- what exactly
);

-- One row per build that made this file or one that it replaced, the newest last.
CREATE TABLE runs (
    run_id      INTEGER NOT NULL,       -- from 1
    started_at  TIMESTAMP NOT NULL,     -- UTC
    finished_at TIMESTAMP NOT NULL,     -- UTC
    version     VARCHAR NOT NULL,       -- of howtree
    inputs      JSON NOT NULL,          -- the sources with their digests
    models      JSON NOT NULL,          -- names and digests
    parameters  JSON NOT NULL,          -- the options that decide what is in the file
    tally       JSON NOT NULL           -- read, kept, skipped by reason, seconds by stage
);

-- What the file says of itself.
CREATE TABLE meta (
    key   VARCHAR NOT NULL,             -- schema_version, threshold, thresholds (JSON, by beta), built_at ...
    value VARCHAR NOT NULL              -- as text
);
