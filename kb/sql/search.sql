-- Finding goals by a question in people's own words: macros over the tables of schema.sql, by the macros of texts.sql.

-- The content words of a question, each once: without the form that it is asked in ("what is the best
-- way to") and without function words ("my"). English alone has such lists; of other languages all words count.
CREATE OR REPLACE MACRO content_words(question) AS list_filter(
    list_distinct(words_of(regexp_replace(regexp_replace(lower(question), '[''’](s|t|m|d|ll|ve|re)\b', ' ', 'g'),
        '\b(what|which)( is| are| would be)?( the| a| some)?( \w+){0,2} (ways?|methods?|steps?|tricks?|tips?) (to|of|for|on|in)\b'
        || '|\b(i|we)( would| really)? (want|need|like|have|try|trying|wish|hope|love|plan) to\b'
        || '|\b(tell|show|teach|help|give) (me|us)\b|\b(instructions?|directions?|advice|guide|tips) (for|on|to)\b'
        || '|\bgo about\b|\bat home\b|\bknow how\b|\b(the|a|any)( \w+)? ways? (to|of)\b',
        ' ', 'g'))),
    lambda w: NOT list_contains(string_split(
        'a about after all also am an and any anybody anyone anything are as at be been before being but by can cannot could '
        || 'couldn did didn do does doesn doing don done ever every exactly for from get getting gets got had has have he her '
        || 'hers him his how i if in into is isn it its itself just let like made may me might much many must my myself of on once '
        || 'one ones or our ours own please properly really s she should shouldn so some somebody someone something t than '
        || 'that the their them then there these they thing things this those to too trying us use using very want was way we '
        || 'were what when where which while who whom whose why will with without won would wouldn you your yours yourself',
        ' '), w));

-- A word without its English inflection: cleaning, cleaned, cleans -> clean; berries -> berry; baked, baking, bake -> bak.
CREATE OR REPLACE MACRO stem_of(word) AS
    regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    regexp_replace(regexp_replace(regexp_replace(regexp_replace(word,
        '^(..+)ie[sd]$', '\1y'),
        '(kni|lea|loa|shel|hal|wi)ves$', '\1f'),
        '(x|ch|sh|ss|z|o)es$', '\1'),
        '(..[^sui])s$', '\1'),
        '^(.*[aeiouy].*[a-z])ing$', '\1'),
        '^(.*[aeiouy].*[^e])ed$', '\1'),
        '(b)b$|(d)d$|(g)g$|(m)m$|(n)n$|(p)p$|(r)r$|(t)t$', '\1\2\3\4\5\6\7\8'),
        '(...)e$', '\1');

-- How long a title is: its content words before those that say with what or where it is done, and a little of all words.
CREATE OR REPLACE MACRO title_length(goal_name) AS
    0.85 * len(content_words(regexp_replace(lower(goal_name),
        '(.) (\(|(with|without|using|in|on|for|from|at|by|when|if|after|before|as|while)\b).*', '\1')))
    + 0.15 * len(words_of(goal_name));

-- The goals that a question asks for, best first, at most 30, each with the reason: the words of its title that were
-- asked for, and the step or thing that has others of them.
-- score: the share of the question that the goal covers, its words weighed by rarity, times BM25's (k1 1.2, b 0.75)
-- discount for a title that is longer than the question. A word counts in full in the title, for less as a beginning of a
-- word or misspelt, which are sought only where no goal has the word itself, and for two fifths in a step or a thing. These
-- are read of the 60 goals alone that are best by their titles and the words that no title has. Goals that cover less than
-- two fifths of the question, or score less than half of the best, are left out. Of a group of equal goals the best is
-- shown, with the others as its alternatives.
CREATE OR REPLACE MACRO search_hits(question) AS TABLE
WITH asked AS MATERIALIZED (
    SELECT word AS asked, stem_of(word) AS stem, letters_of(word) AS letters,
           CASE WHEN len(word) > 7 THEN 2 WHEN len(word) > 3 THEN 1 ELSE 0 END AS errors
    FROM (SELECT unnest(content_words(CASE
        WHEN len(question) > 1000 THEN error('a question has at most 1,000 characters: ask for one thing in a sentence')
        ELSE question END)) AS word)
),
same AS MATERIALIZED (
    SELECT asked, word_id, word, weight, CASE WHEN word = asked THEN 1.0 ELSE 0.95 END AS likeness
    FROM asked JOIN words USING (stem)
),
only_told AS MATERIALIZED (SELECT asked, article_id, title_length FROM asked JOIN step_words USING (stem)),
weighed AS MATERIALIZED (
    SELECT q.*, s.weight IS NOT NULL AS in_titles, t.goals IS NOT NULL AS in_steps,
           coalesce(s.weight, least(rarest, ln(1 + (SELECT count(*) FROM articles) / t.goals)), rarest) AS weight
    FROM asked q
    LEFT JOIN (SELECT asked, min(weight) AS weight FROM same GROUP BY asked) s USING (asked)
    LEFT JOIN (SELECT asked, count(*) AS goals FROM only_told GROUP BY asked) t USING (asked),
    (SELECT max(weight) AS rarest FROM words)
),
near AS (
    SELECT q.asked, w.word_id, w.word, q.weight,
           CASE WHEN starts_with(w.word, q.asked) THEN 0.6 + 0.3 * len(q.asked) / len(w.word)
                WHEN NOT in_steps AND q.errors > 0 AND bit_count(xor(w.letters, q.letters)) <= 2 * q.errors
                     AND damerau_levenshtein(w.word, q.asked) <= q.errors
                THEN 0.6 END AS likeness
    FROM weighed q, words w
    WHERE NOT in_titles AND likeness IS NOT NULL
),
titled AS MATERIALIZED (
    SELECT article_id, asked, max(likeness) AS likeness, arg_max(word, likeness) AS word, any_value(title_length) AS title_length
    FROM (FROM same UNION ALL FROM near) JOIN goal_words USING (word_id)
    GROUP BY article_id, asked
),
likely AS MATERIALIZED (
    SELECT article_id, sum(likeness * weight) / any_value(whole) AS title_share, any_value(whole) AS whole,
           1.3 / (1 + 0.3 * greatest(1, any_value(title_length) / any_value(length))) AS discount
    FROM (
        SELECT article_id, asked, title_length, likeness, 0 AS part FROM titled UNION ALL
        SELECT article_id, asked, title_length, 0, 0.4 FROM only_told
    ) JOIN weighed USING (asked), (SELECT count(*) AS length, sum(weight) AS whole FROM weighed)
    GROUP BY article_id
    ORDER BY sum(greatest(likeness, part) * weight) * discount DESC, article_id
    LIMIT 60
),
texts AS MATERIALIZED (  -- step_text, but a body is read only where there is no headline
    SELECT article_id, headline AS text FROM steps SEMI JOIN likely USING (article_id) WHERE headline <> '' UNION ALL
    SELECT article_id, body FROM steps SEMI JOIN likely USING (article_id) WHERE headline = '' UNION ALL
    SELECT article_id, text FROM things SEMI JOIN likely USING (article_id)
),
spoken AS MATERIALIZED (SELECT article_id, text, unnest(words_of(text)) AS word FROM texts),
heard AS MATERIALIZED (  -- each word once, and of those alone that begin as one asked for does: stems take long to find
    SELECT DISTINCT word FROM spoken WHERE list_contains((SELECT list(left(stem, 2)) FROM weighed), left(word, 2))
),
told AS (
    SELECT DISTINCT article_id, text, asked, weight
    FROM spoken JOIN (SELECT word, stem_of(word) AS stem FROM heard) USING (word) JOIN weighed USING (stem)
),
by_text AS (
    SELECT article_id, max(weight) AS weight, arg_max(text, (weight, -len(text))) AS step
    FROM (
        SELECT article_id, text, sum(weight) AS weight FROM told ANTI JOIN titled USING (article_id, asked)
        GROUP BY article_id, text
    )
    GROUP BY article_id
),
by_title AS (
    SELECT article_id, list(word ORDER BY weight DESC, word) AS words
    FROM titled SEMI JOIN likely USING (article_id) JOIN weighed USING (asked)
    GROUP BY article_id
),
scored AS MATERIALIZED (
    SELECT article_id, coalesce(words, []) AS words, step,
           title_share + 0.4 * coalesce(x.weight, 0) / whole AS share, share * discount AS score
    FROM likely LEFT JOIN by_title USING (article_id) LEFT JOIN by_text x USING (article_id)
),
named AS MATERIALIZED (SELECT article_id FROM names WHERE hash = name_hash(question) AND place = 1),
found AS (
    SELECT article_id, score, words, step FROM scored ANTI JOIN named USING (article_id)
    WHERE share >= 0.4 AND score >= 0.5 * (SELECT max(score) FROM scored)
    UNION ALL
    SELECT article_id, 1, NULL, NULL FROM named
)
SELECT article_id, goal, round(score, 4) AS score, coalesce(words, words_of(goal)) AS words, step,
       (SELECT coalesce(list({article_id: other_id, goal: e.goal, site: e.site} ORDER BY e.site, other_id), [])
        FROM equal_goals e WHERE e.article_id = found.article_id) AS alternatives
FROM found JOIN articles USING (article_id) LEFT JOIN alternatives USING (article_id)
QUALIFY row_number() OVER (PARTITION BY coalesce(group_id, article_id) ORDER BY score DESC, len(goal), article_id) = 1
ORDER BY score DESC, len(goal), article_id
LIMIT 30;

-- The goals that a question asks for, best first, at most 30: what search_hits finds, without its reasons.
CREATE OR REPLACE MACRO search_goals(query_words) AS TABLE
SELECT article_id, goal, score FROM search_hits(query_words);
