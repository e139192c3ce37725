-- The words of the goals and how rare each is, for search_goals. The tables of words are empty before.

INSERT INTO goal_words
SELECT DISTINCT unnest(words_of(goal)) AS word, article_id FROM articles ORDER BY ALL;

INSERT INTO words
SELECT word, ln(1 + (SELECT count(*) FROM articles) / count(*)) FROM goal_words GROUP BY word ORDER BY word;
