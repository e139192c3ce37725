-- The public SQL surface: views and table macros over the tables of schema.sql, by the macros of texts.sql. docs/sql.md shows each with an example.
-- A goal is named by its title (case and "How to" do not matter), its slug, its article_id or its key.

-- The article_id of a goal, NULL where there is none. An id or a key comes first, then a title, a slug, an alias.
CREATE OR REPLACE MACRO goal_id(goal_name) AS (
    SELECT arg_min(article_id, (place, article_id))
    FROM (
        SELECT article_id, 0 AS place FROM articles WHERE article_id = try_cast(goal_name AS BIGINT)
        UNION ALL
        SELECT article_id, 0 FROM articles WHERE key = goal_name::VARCHAR
        UNION ALL
        SELECT article_id, place FROM names WHERE hash = name_hash(goal_name::VARCHAR) AND place = 1
        UNION ALL
        SELECT article_id, place FROM names WHERE hash = slug_hash(goal_name::VARCHAR) AND place > 1
    )
);

-- The article_id of a goal; where there is none, an error that names near titles (spelt alike: search_goals would take
-- longer to plan than a tree takes to answer).
CREATE OR REPLACE MACRO known_goal(goal_name) AS (
    WITH named AS MATERIALIZED (SELECT goal_id(goal_name) AS found),
    near AS (
        SELECT string_agg(goal, '; ' ORDER BY likeness DESC, goal) AS titles
        FROM (
            SELECT goal, jaro_winkler_similarity(lower(goal), plain_goal(goal_name::VARCHAR)) AS likeness
            FROM named, articles
            WHERE found IS NULL
            ORDER BY likeness DESC, goal
            LIMIT 3
        )
    )
    SELECT coalesce(found, CASE WHEN goal_name IS NOT NULL THEN error(
        'there is no goal "' || goal_name::VARCHAR || '"' || coalesce('. Near ones: ' || titles, ''))::BIGINT END)
    FROM named, near
);

-- One row per goal: an article with the size of its procedure.
CREATE OR REPLACE VIEW goals AS
SELECT a.article_id, a.goal, a.title, a.language, a.slug, a.url, coalesce(m.methods, 0) AS methods,
       coalesce(s.steps, 0) AS steps, a.site
FROM articles a
LEFT JOIN (SELECT article_id, count(*) AS methods FROM methods GROUP BY article_id) m USING (article_id)
LEFT JOIN (SELECT article_id, count(*) AS steps FROM steps GROUP BY article_id) s USING (article_id);

-- One row per step with the goal and the method it belongs to.
CREATE OR REPLACE VIEW goal_steps AS
SELECT s.step_id, s.article_id, a.goal, s.method_number, m.kind, m.name AS method, s.step_number, s.headline, s.body,
       s.bullets
FROM steps s
JOIN articles a USING (article_id)
JOIN methods m USING (article_id, method_number);

-- One row per link, in words.
CREATE OR REPLACE VIEW links AS
SELECT e.parent_id, p.goal AS parent, e.step_id, s.headline AS step, e.child_id, c.goal AS child, e.probability, e.source,
       e.relation, p.site AS parent_site, c.site AS child_site
FROM edges e
JOIN steps s USING (step_id)
JOIN articles p ON p.article_id = e.parent_id
JOIN articles c ON c.article_id = e.child_id;

-- The hyperlinks to other goals here that are no link of their step, as what it uses: "clean the oven" below "Heat soil".
CREATE OR REPLACE VIEW mentions AS
SELECT s.article_id AS parent_id, p.goal AS parent, h.step_id, s.headline AS step, h.link_number, h.place, h.anchor,
       h.target_id, t.goal AS target
FROM hyperlinks h
JOIN steps s USING (step_id)
JOIN articles p ON p.article_id = s.article_id
JOIN articles t ON t.article_id = h.target_id
ANTI JOIN edges e ON e.step_id = h.step_id AND e.child_id = h.target_id
WHERE h.target_id <> s.article_id;

-- The best goal of each step for which any was weighed: its link, or, where it has none (chosen is false), the guess.
CREATE OR REPLACE VIEW best_links AS
SELECT parent_id, step_id, child_id, probability, source, relation, true AS chosen FROM edges
UNION ALL
SELECT parent_id, step_id, child_id, probability, source, relation, false FROM guesses;

-- The steps of a goal with what they are linked to.
CREATE OR REPLACE MACRO children(goal_name) AS TABLE
SELECT s.step_id, s.method_number, m.kind, m.name AS method, s.step_number, s.headline, e.child_id, c.goal AS child,
       e.probability, e.source, e.relation
FROM steps s
JOIN methods m USING (article_id, method_number)
LEFT JOIN edges e ON e.step_id = s.step_id AND e.parent_id = s.article_id
LEFT JOIN articles c ON c.article_id = e.child_id
WHERE s.article_id = known_goal(goal_name)
ORDER BY s.step_id;

-- The procedure tree below a goal, one row per step, in reading order. `path` holds the step ids from the root to the
-- step. `opened` says whether the linked goal's own steps follow; if not, `stop` says why: 'cycle' (the goal is among
-- its own ancestors) or 'depth' (max_depth levels of goals are open). Without min_probability the links count;
-- with it every link and every guess that is at least so probable.
CREATE OR REPLACE MACRO procedure_tree(goal_name, max_depth := 3, min_probability := NULL) AS TABLE
WITH RECURSIVE counted AS NOT MATERIALIZED (
    SELECT parent_id, step_id, child_id, probability, source, relation FROM edges
    WHERE min_probability IS NULL OR probability >= min_probability
    UNION ALL
    SELECT parent_id, step_id, child_id, probability, source, relation FROM guesses WHERE probability >= min_probability
),
opened AS (
    SELECT 1 AS depth, []::BIGINT[] AS path, [root] AS goals, root AS article_id FROM (SELECT known_goal(goal_name) AS root)
    UNION ALL
    SELECT o.depth + 1, list_append(o.path, e.step_id), list_append(o.goals, e.child_id), e.child_id
    FROM opened o
    JOIN counted e ON e.parent_id = o.article_id
    WHERE o.depth < max_depth AND NOT list_contains(o.goals, e.child_id)
),
-- Below, only what is in an opened goal is read of each table. A list, unnested, is a few rows to the planner.
open_goals AS MATERIALIZED (SELECT unnest(list(DISTINCT article_id)) AS article_id FROM opened),
open_steps AS MATERIALIZED (
    SELECT step_id, article_id, method_number, step_number, headline FROM steps JOIN open_goals USING (article_id)
),
open_methods AS MATERIALIZED (FROM methods JOIN open_goals USING (article_id)),
open_links AS MATERIALIZED (SELECT e.* FROM counted e JOIN open_goals o ON o.article_id = e.parent_id),
open_names AS MATERIALIZED (
    SELECT a.article_id, a.goal
    FROM (SELECT unnest(list(DISTINCT article_id)) AS article_id
          FROM (FROM open_goals UNION ALL SELECT child_id FROM open_links))
    JOIN articles a USING (article_id)
)
SELECT o.depth, list_append(o.path, s.step_id) AS path, o.article_id, p.goal AS parent, s.method_number, m.kind,
       m.name AS method, s.step_id, s.step_number, s.headline, e.child_id, c.goal AS child, e.probability, e.source, e.relation,
       e.child_id IS NOT NULL AND NOT list_contains(o.goals, e.child_id) AND o.depth < max_depth AS opened,
       CASE WHEN list_contains(o.goals, e.child_id) THEN 'cycle'
            WHEN e.child_id IS NOT NULL AND o.depth >= max_depth THEN 'depth' END AS stop
FROM opened o
JOIN open_steps s USING (article_id)
JOIN open_methods m ON m.article_id = s.article_id AND m.method_number = s.method_number
JOIN open_names p ON p.article_id = o.article_id
LEFT JOIN open_links e ON e.step_id = s.step_id
LEFT JOIN open_names c ON c.article_id = e.child_id
ORDER BY path;

-- The goals that a goal is a part of, nearest first: `distance` is the least number of links between them.
CREATE OR REPLACE MACRO ancestors(goal_name, max_distance := 100) AS TABLE
WITH RECURSIVE up(article_id, distance) USING KEY (article_id) AS (
    SELECT known_goal(goal_name), 0
    UNION
    SELECT e.parent_id, min(up.distance) + 1
    FROM up
    JOIN edges e ON e.child_id = up.article_id
    WHERE up.distance < max_distance AND e.parent_id NOT IN (SELECT article_id FROM recurring.up)
    GROUP BY e.parent_id
)
SELECT up.article_id, a.goal, up.distance
FROM up
JOIN articles a USING (article_id)
WHERE up.distance > 0
ORDER BY up.distance, a.goal;

-- The shortest ways down from one goal to another, as the goals and the steps passed.
CREATE OR REPLACE MACRO paths(from_goal, to_goal, max_depth := 6) AS TABLE
WITH RECURSIVE walk AS (
    SELECT [known_goal(from_goal)] AS ids, []::BIGINT[] AS steps, 1::FLOAT AS probability
    UNION ALL
    SELECT list_append(w.ids, e.child_id), list_append(w.steps, e.step_id), w.probability * e.probability
    FROM walk w
    JOIN edges e ON e.parent_id = w.ids[-1]
    WHERE len(w.steps) < max_depth AND w.ids[-1] <> known_goal(to_goal) AND NOT list_contains(w.ids, e.child_id)
)
SELECT len(steps) AS links, ids,
       (SELECT list(a.goal ORDER BY list_position(ids, a.article_id)) FROM articles a WHERE a.article_id IN (SELECT unnest(ids))) AS goals,
       steps, probability
FROM walk
WHERE ids[-1] = known_goal(to_goal) AND len(steps) > 0
ORDER BY links, probability DESC, ids, steps;

-- The steps without a link, with the nearest goal that was weighed.
CREATE OR REPLACE MACRO unlinkable_steps() AS TABLE
SELECT s.step_id, s.article_id, a.goal, s.headline, c.goal AS nearest, g.probability
FROM steps s
ANTI JOIN edges USING (step_id)
JOIN articles a USING (article_id)
LEFT JOIN guesses g USING (step_id)
LEFT JOIN articles c ON c.article_id = g.child_id
ORDER BY s.step_id;

-- What one needs for a goal.
CREATE OR REPLACE VIEW goal_things AS
SELECT t.article_id, a.goal, t.kind, t.number, t.text, t.amount
FROM things t JOIN articles a USING (article_id);

-- A goal and another article of an equal goal: a row for each that a reader may choose instead.
CREATE OR REPLACE VIEW equal_goals AS
SELECT own.article_id, a.article_id AS other_id, a.goal, a.site, a.url, a.key
FROM alternatives own JOIN alternatives other USING (group_id) JOIN articles a ON a.article_id = other.article_id
WHERE other.article_id <> own.article_id;

-- The same goal in articles of other sites, or again of its own, for a reader to choose from; none where nothing is equal.
CREATE OR REPLACE MACRO alternatives_of(goal_name) AS TABLE
SELECT other_id AS article_id, goal, site, url, key
FROM equal_goals WHERE article_id = known_goal(goal_name)
ORDER BY site, other_id;

-- The goals that need something, by a word or words of it: goals_using('vinegar').
CREATE OR REPLACE MACRO goals_using(thing) AS TABLE
WITH others AS (SELECT unnest(list_distinct(words_of(thing))[2:]) AS word)
SELECT article_id, goal, kind, text
FROM things_by_word
WHERE word = words_of(thing)[1] AND (NOT EXISTS (FROM others) OR (article_id, kind, number) IN (
    SELECT (article_id, kind, number) FROM things_by_word SEMI JOIN others USING (word)
    GROUP BY ALL HAVING count(*) = (SELECT count(*) FROM others)
))
ORDER BY goal, article_id, kind, number;
