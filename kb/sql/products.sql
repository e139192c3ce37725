-- English articles of several sites -> what tells the product that an article is about: `interfaces`, the articles on
-- the interface of a program, and `written_names`, the words that are names. Needs the variables `acts` and
-- `interface_share`, and the table `article_sites` (kb/build/products.py).

CREATE OR REPLACE TEMP VIEW told AS
SELECT article_id, site, headline || ' ' || body AS text
FROM kb.steps JOIN article_sites USING (article_id) WHERE language = 'en' OR starts_with(language, 'en-');

-- An article of few steps is judged by those of its site as well, and a site of few steps is none for programs.
CREATE TEMP TABLE IF NOT EXISTS interfaces AS
WITH acting AS (
    SELECT article_id, site, count(*) AS steps, count(*) FILTER (regexp_matches(text, getvariable('acts'), 'i')) AS acts
    FROM told GROUP BY ALL
),
shares AS (SELECT site, sum(acts) / (sum(steps) + 10) AS share FROM acting GROUP BY site)
SELECT article_id FROM acting JOIN shares USING (site)
WHERE greatest(share, (acts + 5 * share) / (steps + 5)) >= getvariable('interface_share');

-- Within a sentence the corpus writes a name with a capital, and not all of it: those are abbreviations, often of kinds.
CREATE TEMP TABLE IF NOT EXISTS written_names AS
WITH capitals AS (SELECT unnest(regexp_extract_all(text, '[a-z,] ([A-Za-z]*[A-Z][A-Za-z0-9]*)', 1)) AS word FROM told),
names AS (SELECT lower(word) AS name, count(*) AS times FROM capitals WHERE regexp_matches(word, '[a-z]') GROUP BY name),
words AS (SELECT unnest(regexp_split_to_array(text, '[^A-Za-z0-9]+')) AS name FROM told),
small AS (SELECT name, count(*) AS times FROM words SEMI JOIN names USING (name) GROUP BY name)
SELECT name FROM names LEFT JOIN small USING (name)
WHERE names.times >= greatest(3, 4 * coalesce(small.times, 0));
