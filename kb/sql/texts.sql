-- What is made of texts alone, without any table: every session of ours has these macros, before views.sql.

-- The text of a step as people see it: its headline, or its body where it has no headline.
CREATE OR REPLACE MACRO step_text(headline, body) AS coalesce(nullif(headline, ''), body);

-- The hash by which a review knows the text that was judged, as `text_hash` of kb/review/reviews.py makes it.
CREATE OR REPLACE MACRO text_hash(step_text) AS sha256(step_text)[:16];

-- The words of a text as search compares them: lower case, without accents, letters and digits only.
CREATE OR REPLACE MACRO words_of(words_text) AS
    list_filter(regexp_split_to_array(lower(strip_accents(words_text)), '[^\p{L}\p{N}]+'), lambda w: w <> '');

-- The title without "How to" and outer blanks, in lower case: as `goal_of` of crawl/article.py takes it off.
CREATE OR REPLACE MACRO plain_goal(goal_name) AS
    regexp_replace(lower(trim(goal_name)), '^how\s+to\s+', '');

-- Names as the table `names` holds them. A slug may be given with blanks, and with slashes around it.
CREATE OR REPLACE MACRO name_hash(goal_name) AS md5_number_lower(plain_goal(goal_name));
CREATE OR REPLACE MACRO slug_hash(slug) AS md5_number_lower('/' || replace(trim(lower(slug), ' /'), ' ', '-'));

-- Which letters a word has, as bits. One change to a word changes at most two of them.
CREATE OR REPLACE MACRO letters_of(word) AS
    list_bit_or(list_transform(string_split(word, ''), lambda c: 1::UBIGINT << (unicode(c) % 63)::UBIGINT));
