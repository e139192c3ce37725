-- Corpus shards -> tables. The view `corpus` holds one row per article, in the schema of crawl/corpus/shards.py.
-- Ids follow the order of the keys, so the order of the inputs does not matter.

INSERT INTO articles
SELECT row_number() OVER (ORDER BY key), key, coalesce(nullif(site, ''), nullif(site_of(url), '')), language, page_id, slug, nullif(url, ''), title, goal,
       nullif(introduction, ''), revision, nullif(licence, ''), nullif(source, ''), nullif(published, ''),
       nullif(modified, ''), nullif(fetched_at, ''), content_hash
FROM corpus
ORDER BY key;

CREATE TEMP VIEW numbered AS SELECT a.article_id, c.* FROM corpus c JOIN main.articles a USING (key);

INSERT INTO aliases
SELECT article_id, unnest(range(1, len(aliases) + 1)), unnest(aliases) FROM numbered ORDER BY 1, 2;

INSERT INTO categories
SELECT article_id, unnest(range(1, len(categories) + 1)), unnest(categories) FROM numbered ORDER BY 1, 2;

INSERT INTO things
SELECT article_id, kind, number, text, nullif(amount_of(text), '')
FROM (
    SELECT article_id, 'ingredient' AS kind, unnest(range(1, len(ingredients) + 1)) AS number, unnest(ingredients) AS text
    FROM numbered
    UNION ALL
    SELECT article_id, 'thing', unnest(range(1, len(things) + 1)), unnest(things) FROM numbered
    UNION ALL
    SELECT article_id, 'tool', unnest(range(1, len(tools) + 1)), unnest(tools) FROM numbered
)
ORDER BY article_id, kind, number;

INSERT INTO notes
SELECT article_id, 'tip' AS kind, unnest(range(1, len(tips) + 1)) AS number, unnest(tips) AS text FROM numbered
UNION ALL
SELECT article_id, 'warning', unnest(range(1, len(warnings) + 1)), unnest(warnings) FROM numbered
ORDER BY ALL;

INSERT INTO citations
SELECT article_id, unnest(range(1, len("references") + 1)) AS number, unnest("references") FROM numbered ORDER BY 1, 2;

INSERT INTO related
SELECT article_id, unnest(range(1, len(related) + 1)) AS number, unnest(related) FROM numbered ORDER BY 1, 2;

CREATE TEMP VIEW lists AS SELECT article_id, unnest(methods) AS method FROM numbered;

INSERT INTO methods
SELECT article_id, method.number, method.kind, method.name FROM lists ORDER BY 1, 2;

CREATE TEMP TABLE numbered_steps AS
SELECT row_number() OVER (ORDER BY article_id, method_number, step.number) AS step_id, *
FROM (SELECT article_id, method.number AS method_number, unnest(method.steps) AS step FROM lists);

INSERT INTO steps
SELECT step_id, article_id, method_number, step.number, coalesce(step.headline, ''), coalesce(step.body, ''),
       coalesce(step.bullets, [])
FROM numbered_steps
ORDER BY step_id;

CREATE TEMP TABLE targets AS
SELECT language, slug, min(article_id) AS target_id
FROM (
    SELECT language, lower(slug) AS slug, article_id FROM articles
    UNION ALL
    SELECT a.language, lower(x.slug), x.article_id FROM aliases x JOIN articles a USING (article_id)
)
GROUP BY ALL;

INSERT INTO hyperlinks
WITH unnested AS (
    SELECT step_id, article_id, unnest(range(1, len(step.links) + 1)) AS link_number, unnest(step.links) AS link
    FROM numbered_steps
),
spoken AS (
    SELECT u.*, coalesce(nullif(u.link.language, ''), a.language) AS language
    FROM unnested u JOIN articles a USING (article_id)
)
SELECT s.step_id, s.link_number, s.language, s.link.slug, coalesce(s.link.title, ''), coalesce(s.link.anchor, ''),
       s.link.place, t.target_id
FROM spoken s
LEFT JOIN targets t ON t.language = s.language AND t.slug = lower(s.link.slug)
ORDER BY 1, 2;

DROP TABLE numbered_steps;
DROP TABLE targets;
DROP VIEW lists;
DROP VIEW numbered;
