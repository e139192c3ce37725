-- Candidates and hyperlinks -> edges: the best link of each step. Needs the variable `threshold`.

INSERT INTO edges
WITH editors AS (
    -- Of several hyperlinks of a step the one in the headline stands for it, else the first.
    SELECT step_id, arg_min(target_id, link_number + CASE place WHEN 'headline' THEN 0 ELSE 1000000 END) AS child_id
    FROM hyperlinks h
    JOIN steps s USING (step_id)
    WHERE h.target_id IS NOT NULL AND h.target_id <> s.article_id
    GROUP BY step_id
)
SELECT s.article_id, s.step_id, coalesce(e.child_id, c.article_id) AS child_id,
       CASE WHEN e.child_id IS NULL THEN c.probability ELSE 1 END AS probability,
       CASE WHEN e.child_id IS NULL THEN 'model' ELSE 'editor' END AS source,
       e.child_id IS NOT NULL OR c.probability >= getvariable('threshold')::FLOAT AS chosen
FROM steps s
LEFT JOIN editors e USING (step_id)
LEFT JOIN candidates c ON c.step_id = s.step_id AND c.rank = 1
WHERE e.child_id IS NOT NULL OR c.article_id IS NOT NULL
ORDER BY chosen DESC, s.step_id;
