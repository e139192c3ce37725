-- What finding a goal by its name, its words or what it needs rests on. Needs articles, aliases, steps and things; the tables
-- filled here are empty.

INSERT INTO names
SELECT name_hash(goal) AS hash, 1 AS place, article_id FROM articles
UNION ALL
SELECT slug_hash(slug), 2, article_id FROM articles
UNION ALL
SELECT DISTINCT slug_hash(slug), 3, article_id FROM aliases
ORDER BY ALL;

CREATE TEMP TABLE spelt AS
SELECT article_id, words_of(goal) AS spelling, title_length(goal) AS title_length FROM articles;

INSERT INTO words
SELECT row_number() OVER (ORDER BY word), word, stem_of(word), ln(1 + (SELECT count(*) FROM articles) / count(*)),
       letters_of(word)
FROM (SELECT DISTINCT article_id, unnest(spelling) AS word FROM spelt)
GROUP BY word
ORDER BY word;

INSERT INTO goal_words
SELECT DISTINCT w.word_id, s.article_id, s.title_length
FROM (SELECT article_id, unnest(spelling) AS word, title_length FROM spelt) s
JOIN words w USING (word)
ORDER BY ALL;

INSERT INTO things_by_word
SELECT unnest(list_distinct(words_of(text))) AS word, goal, article_id, kind, number, text
FROM things JOIN articles USING (article_id) ORDER BY ALL;

CREATE TEMP TABLE spoken AS
SELECT DISTINCT article_id, unnest(words_of(step_text(headline, body))) AS word FROM steps
UNION
SELECT article_id, word FROM things_by_word;

INSERT INTO step_words
SELECT DISTINCT stem, article_id, title_length
FROM spoken JOIN (SELECT word, stem_of(word) AS stem FROM (SELECT DISTINCT word FROM spoken)) USING (word)
ANTI JOIN words USING (stem)
JOIN spelt USING (article_id)
ORDER BY ALL;

DROP TABLE spelt;
DROP TABLE spoken;
