-- Articles -> pairs of articles of one title, in one language, whose texts are alike: `equal_pairs`, from which
-- kb/build/alternatives.py makes the groups. Needs the variable `alike`.

CREATE TEMP TABLE namesakes AS
WITH named AS (
    SELECT article_id, language, coalesce(site, 'none') AS site, same_goal(goal) AS name FROM articles
)
SELECT article_id, language, name FROM named
SEMI JOIN (SELECT language, name FROM named WHERE name <> '' GROUP BY ALL HAVING count(DISTINCT site) > 1)
    USING (language, name);

CREATE TEMP TABLE namesake_words AS
WITH told AS (
    SELECT article_id, headline || ' ' || body AS text FROM steps SEMI JOIN namesakes USING (article_id) UNION ALL
    SELECT article_id, text FROM things SEMI JOIN namesakes USING (article_id)
),
words AS (SELECT DISTINCT article_id, unnest(words_of(text)) AS word FROM told),
rare AS (SELECT word, ln((SELECT count(*) + 1 FROM namesakes) / count(*)) AS weight FROM words WHERE len(word) > 2 GROUP BY word)
SELECT article_id, word, weight FROM words JOIN rare USING (word);

-- The cosine of two texts by their words, each weighed by its rarity among the articles that have namesakes.
CREATE TEMP TABLE equal_pairs AS
WITH sizes AS (SELECT article_id, sqrt(sum(weight * weight)) AS size FROM namesake_words GROUP BY article_id),
pairs AS (
    SELECT l.article_id AS first_id, r.article_id AS other_id
    FROM namesakes l JOIN namesakes r USING (language, name) WHERE l.article_id < r.article_id
)
SELECT first_id, other_id
FROM pairs
JOIN namesake_words l ON l.article_id = first_id
JOIN namesake_words r ON r.article_id = other_id AND r.word = l.word
JOIN sizes ls ON ls.article_id = first_id
JOIN sizes rs ON rs.article_id = other_id
GROUP BY first_id, other_id, ls.size, rs.size
HAVING sum(l.weight * r.weight) >= getvariable('alike') * ls.size * rs.size
ORDER BY ALL;

DROP TABLE namesakes;
DROP TABLE namesake_words;
