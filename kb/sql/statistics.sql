-- The public statistics: views and macros over those of views.sql. docs/sql.md shows each with an example.

-- How many steps are linked, and by whom.
CREATE OR REPLACE VIEW linked_share AS
SELECT s.steps, l.linked, l.linked / s.steps AS share, l.by_people, l.by_editors, l.by_model
FROM (SELECT count(*) AS steps FROM steps) s,
     (SELECT count(*) AS linked, count(*) FILTER (source = 'person') AS by_people,
             count(*) FILTER (source = 'editor') AS by_editors, count(*) FILTER (source = 'model') AS by_model
      FROM edges) l;

-- One row per site, 'none' for the articles whose source names none: how many of their steps are linked, and how many of these
-- to a goal of another site.
CREATE OR REPLACE VIEW sites AS
WITH named AS (SELECT article_id, coalesce(site, 'none') AS site FROM articles),
sizes AS (SELECT article_id, count(*) AS steps FROM steps GROUP BY article_id),
led AS (
    SELECT e.parent_id AS article_id, count(*) AS linked, count(*) FILTER (p.site <> c.site) AS across
    FROM edges e JOIN named p ON p.article_id = e.parent_id JOIN named c ON c.article_id = e.child_id
    GROUP BY e.parent_id
)
SELECT n.site, count(*) AS goals, sum(s.steps)::BIGINT AS steps, coalesce(sum(l.linked), 0)::BIGINT AS linked,
       coalesce(sum(l.across), 0)::BIGINT AS across
FROM named n LEFT JOIN sizes s USING (article_id) LEFT JOIN led l USING (article_id)
GROUP BY n.site;

-- One row per goal that steps are linked to: from how many steps, of how many goals.
CREATE OR REPLACE VIEW fan_in AS
SELECT a.article_id, a.goal, f.steps, f.goals
FROM (SELECT child_id, count(*) AS steps, count(DISTINCT parent_id) AS goals FROM edges GROUP BY child_id) f
JOIN articles a ON a.article_id = f.child_id;

-- How many goals are linked to from how many steps, none included.
CREATE OR REPLACE VIEW fan_in_distribution AS
SELECT coalesce(f.steps, 0) AS steps, count(*) AS goals
FROM articles a LEFT JOIN fan_in f USING (article_id)
GROUP BY ALL
ORDER BY ALL;

-- One row per name of a category, with the level it is on.
CREATE OR REPLACE VIEW category_facets AS
WITH sizes AS (SELECT article_id, count(*) AS steps FROM steps GROUP BY article_id),
linked AS (SELECT parent_id AS article_id, count(*) AS linked FROM edges GROUP BY parent_id)
SELECT c.level, c.name, count(*) AS goals, sum(s.steps)::BIGINT AS steps, coalesce(sum(l.linked), 0)::BIGINT AS linked,
       coalesce(sum(l.linked), 0) / sum(s.steps) AS share
FROM categories c
LEFT JOIN sizes s USING (article_id)
LEFT JOIN linked l USING (article_id)
GROUP BY c.level, c.name;

-- The number of goals by their levels of linked goals below them: 0 where no step is linked. Levels are counted up to
-- max_depth, which every goal reaches that leads into a cycle.
CREATE OR REPLACE MACRO depth_distribution(max_depth := 10) AS TABLE
WITH RECURSIVE arcs AS MATERIALIZED (SELECT DISTINCT parent_id, child_id FROM edges),
deep AS (
    -- The goals with at least `depth` links below one another.
    SELECT 0 AS depth, article_id FROM articles
    UNION ALL
    SELECT DISTINCT d.depth + 1, a.parent_id
    FROM deep d JOIN arcs a ON a.child_id = d.article_id
    WHERE d.depth < max_depth
),
reached AS (SELECT depth, count(*) AS goals FROM deep GROUP BY depth)
SELECT depth, goals - coalesce(lead(goals) OVER (ORDER BY depth), 0) AS goals
FROM reached
ORDER BY depth;

-- Goals that lead back to themselves over at most max_length links, one row per way round, shortest first.
CREATE OR REPLACE MACRO cycles(max_length := 2) AS TABLE
WITH RECURSIVE arcs AS MATERIALIZED (SELECT DISTINCT parent_id, child_id FROM edges),
walk AS (
    -- Each way round is walked once: from its smallest id.
    SELECT [parent_id, child_id] AS ids FROM arcs WHERE child_id > parent_id
    UNION ALL
    SELECT list_append(w.ids, a.child_id)
    FROM walk w JOIN arcs a ON a.parent_id = w.ids[-1]
    WHERE len(w.ids) < max_length AND a.child_id > w.ids[1] AND NOT list_contains(w.ids, a.child_id)
),
closed AS (SELECT w.ids FROM walk w JOIN arcs a ON a.parent_id = w.ids[-1] AND a.child_id = w.ids[1]),
named AS (
    SELECT c.ids, list(a.goal ORDER BY list_position(c.ids, a.article_id)) AS goals
    FROM (SELECT ids, unnest(ids) AS article_id FROM closed) c JOIN articles a USING (article_id)
    GROUP BY c.ids
)
SELECT len(ids) AS length, ids, goals
FROM named
ORDER BY length, ids;

-- The first word of a step, which in an instruction is mostly its verb.
CREATE OR REPLACE MACRO verb_of(headline) AS
    regexp_replace(lower(split_part(ltrim(headline), ' ', 1)), '[^\p{L}\p{N}]+$', '');

-- Which verbs are in decomposed steps: steps that are linked, and so have sub-steps.
CREATE OR REPLACE VIEW decomposed_verbs AS
SELECT verb_of(s.headline) AS verb, count(*) AS steps, count(e.step_id) AS decomposed, decomposed / steps AS share
FROM steps s
LEFT JOIN edges e USING (step_id)
WHERE s.headline <> ''
GROUP BY verb;

-- Which verbs are in the sub-steps of decomposed steps: `times` counts pairs of a linked step and a step of its goal.
CREATE OR REPLACE VIEW substep_verbs AS
WITH parents AS (
    SELECT verb_of(s.headline) AS verb, e.child_id, count(*) AS steps
    FROM edges e JOIN steps s USING (step_id)
    WHERE s.headline <> ''
    GROUP BY ALL
),
parts AS (
    SELECT article_id, verb_of(headline) AS substep_verb, count(*) AS steps
    FROM steps WHERE headline <> '' AND article_id IN (SELECT child_id FROM parents)
    GROUP BY ALL
)
SELECT p.verb, q.substep_verb, sum(p.steps * q.steps)::BIGINT AS times
FROM parents p JOIN parts q ON q.article_id = p.child_id
GROUP BY p.verb, q.substep_verb;
