-- Candidates and hyperlinks -> edges and guesses: the best link of each step. Needs the variable `threshold`
-- and the table `own_links` (kb/build/mentions.py): the hyperlinks that say what their step is.

CREATE TEMP TABLE editors AS
-- Of several such hyperlinks of a step the one in the headline represents it, else the first.
SELECT step_id, arg_min(target_id, link_number + CASE place WHEN 'headline' THEN 0 ELSE 1000000 END) AS child_id
FROM hyperlinks JOIN own_links USING (step_id, link_number)
GROUP BY step_id;

CREATE TEMP TABLE first_candidates AS
SELECT s.article_id AS parent_id, c.step_id, c.article_id AS child_id, c.probability, 'model' AS source, c.relation
FROM candidates c JOIN steps s USING (step_id) ANTI JOIN editors USING (step_id)
WHERE c.rank = 1 AND c.probability > 0;

INSERT INTO edges
SELECT s.article_id AS parent_id, step_id, e.child_id, 1 AS probability, 'editor' AS source, NULL AS relation
FROM editors e JOIN steps s USING (step_id)
UNION ALL
FROM first_candidates WHERE probability >= getvariable('threshold')::FLOAT
ORDER BY step_id;

INSERT INTO guesses FROM first_candidates WHERE probability < getvariable('threshold')::FLOAT ORDER BY step_id;

DROP TABLE own_links;
DROP TABLE editors;
DROP TABLE first_candidates;
