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

-- The goals that a question asks for, best first, at most 30, each with the reason: the words of its title that were
-- asked for, and the step or thing that has others of them.
-- score: the share of the question that the goal covers, its words weighed by rarity, times BM25's (k1 1.2, b 0.75)
-- discount for a title that is longer than the question. A word counts in full in the title, for less as a beginning of a
-- word or misspelt, which are sought only where no goal has the word itself, and for a third in a step or a thing. Goals
-- that cover less than two fifths of the question, or score less than half of the best, are left out. Of a group of equal
-- goals the best is shown, with the others as its alternatives.
CREATE OR REPLACE MACRO search_hits(question) AS TABLE
WITH asked AS MATERIALIZED (
    SELECT word, stem_of(word) AS stem, letters_of(word) AS letters,
           CASE WHEN len(word) > 7 THEN 2 WHEN len(word) > 3 THEN 1 ELSE 0 END AS errors
    FROM (SELECT unnest(content_words(CASE
        WHEN len(question) > 1000 THEN error('a question has at most 1,000 characters: ask for one thing in a sentence')
        ELSE question END)) AS word)
),
same AS MATERIALIZED (
    SELECT q.word AS asked, w.word_id, w.word, w.weight, CASE WHEN w.word = q.word THEN 1.0 ELSE 0.95 END AS likeness
    FROM asked q JOIN words w ON left(w.word, 3) = left(q.word, 3)
    WHERE w.word = q.word OR stem_of(w.word) = q.stem
),
weighed AS MATERIALIZED (
    SELECT q.word AS asked, q.stem, q.letters, q.errors, bool_or(s.word IS NOT NULL) AS known,
           coalesce(min(s.weight), (SELECT max(weight) FROM words)) AS weight
    FROM asked q LEFT JOIN same s ON s.asked = q.word
    GROUP BY ALL
),
likely AS MATERIALIZED (
    SELECT article_id FROM same JOIN goal_words USING (word_id)
    GROUP BY article_id ORDER BY sum(weight) DESC, article_id LIMIT 50
),
texts AS (  -- step_text, but a body is read only where there is no headline
    SELECT article_id, headline AS text FROM steps WHERE headline <> '' UNION ALL
    SELECT article_id, body FROM steps WHERE headline = '' UNION ALL
    SELECT article_id, text FROM things
),
likely_texts AS MATERIALIZED (  -- the same of the likely goals: joined table by table, their rows alone are read
    SELECT article_id, headline AS text FROM steps SEMI JOIN likely USING (article_id) WHERE headline <> '' UNION ALL
    SELECT article_id, body FROM steps SEMI JOIN likely USING (article_id) WHERE headline = '' UNION ALL
    SELECT article_id, text FROM things SEMI JOIN likely USING (article_id)
),
strange AS MATERIALIZED (FROM weighed WHERE NOT known),
told AS MATERIALIZED (
    SELECT article_id, text, asked, weight
    FROM (
        SELECT t.*, w.* FROM strange w, texts t
        UNION ALL
        SELECT t.*, w.* FROM likely_texts t, weighed w WHERE w.known
    )
    WHERE (contains(text, substr(stem, 2)) OR contains(text, upper(stem))) AND list_contains(list_transform(words_of(text), lambda w: stem_of(w)), stem)
),
near AS (
    SELECT q.asked, w.word_id, w.word, q.weight,
           CASE WHEN starts_with(w.word, q.asked) THEN 0.6 + 0.3 * len(q.asked) / len(w.word)
                WHEN q.errors > 0 AND bit_count(xor(w.letters, q.letters)) <= 2 * q.errors
                     AND damerau_levenshtein(w.word, q.asked) <= q.errors AND q.asked NOT IN (SELECT asked FROM told)
                THEN 0.6 END AS likeness
    FROM weighed q, words w
    WHERE NOT q.known AND likeness IS NOT NULL
),
titled AS MATERIALIZED (
    SELECT g.article_id, m.asked, max(m.likeness) AS likeness, arg_max(m.word, m.likeness) AS word
    FROM (FROM same UNION ALL FROM near) m JOIN goal_words g USING (word_id)
    GROUP BY ALL
),
by_title AS (
    SELECT article_id, sum(likeness * weight) AS weight, list(word ORDER BY weight DESC, word) AS words
    FROM titled JOIN weighed USING (asked)
    GROUP BY article_id
),
by_text AS (
    SELECT article_id, max(weight) AS weight, arg_max(text, (weight, -len(text))) AS step
    FROM (
        SELECT article_id, text, sum(weight) AS weight FROM (FROM told SELECT DISTINCT *) ANTI JOIN titled USING (article_id, asked)
        GROUP BY article_id, text
    )
    GROUP BY article_id
),
covered AS (
    SELECT article_id, coalesce(t.words, []) AS words, x.step,
           (coalesce(t.weight, 0) + 0.4 * coalesce(x.weight, 0)) / (SELECT sum(weight) FROM weighed) AS share
    FROM by_title t FULL JOIN by_text x USING (article_id)
    ORDER BY share DESC, article_id
    LIMIT 300
),
scored AS MATERIALIZED (
    SELECT c.*, a.goal, share * 1.3 / (1 + 0.3 * greatest(1, (0.85 * len(content_words(regexp_replace(lower(a.goal),
               '(.) (\(|(with|without|using|in|on|for|from|at|by|when|if|after|before|as|while)\b).*', '\1')))
               + 0.15 * len(words_of(a.goal))) / (SELECT count(*) FROM asked))) AS score
    FROM covered c JOIN articles a USING (article_id)
)
SELECT article_id, goal, round(score, 4) AS score, words, step,
       (SELECT coalesce(list({article_id: other_id, goal: e.goal, site: e.site} ORDER BY e.site, other_id), [])
        FROM equal_goals e WHERE e.article_id = hits.article_id) AS alternatives
FROM (
    SELECT article_id, goal, score, words, step FROM scored
    WHERE share >= 0.4 AND score >= 0.5 * (SELECT max(score) FROM scored)
      AND lower(goal) <> plain_goal(question)
    UNION ALL
    SELECT article_id, goal, 1, words_of(goal), NULL FROM articles WHERE lower(goal) = plain_goal(question)
) hits
LEFT JOIN alternatives USING (article_id)
QUALIFY row_number() OVER (PARTITION BY coalesce(group_id, article_id) ORDER BY score DESC, len(goal), article_id) = 1
ORDER BY score DESC, len(goal), article_id
LIMIT 30;

-- The goals that a question asks for, best first, at most 30: what search_hits finds, without its reasons.
CREATE OR REPLACE MACRO search_goals(query_words) AS TABLE
SELECT article_id, goal, score FROM search_hits(query_words);
