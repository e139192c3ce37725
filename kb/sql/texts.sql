-- What is made of texts alone, without any table: every session of ours has these macros, before views.sql.

-- The text of a step as people see it: its headline, or its body where it has no headline.
CREATE OR REPLACE MACRO step_text(headline, body) AS coalesce(nullif(headline, ''), body);

-- The hash by which a review knows the text that was judged, as `text_hash` of kb/review/reviews.py makes it.
CREATE OR REPLACE MACRO text_hash(step_text) AS sha256(step_text)[:16];

-- Whether a reviewer of that name is a person: "model:NAME" is a model, whose verdicts are kept and have no vote.
CREATE OR REPLACE MACRO is_person(reviewer) AS NOT starts_with(lower(trim(reviewer)), 'model:');

-- The words of a text as search compares them: lower case, without accents, letters and digits only.
CREATE OR REPLACE MACRO words_of(words_text) AS
    list_filter(regexp_split_to_array(lower(strip_accents(words_text)), '[^\p{L}\p{N}]+'), lambda w: w <> '');

-- The title without "How to" and outer blanks, in lower case: as `goal_of` of crawl/article.py takes it off.
CREATE OR REPLACE MACRO plain_goal(goal_name) AS
    regexp_replace(lower(trim(goal_name)), '^how\s+to\s+', '');

-- What equal goals of several sites are known by: the title without "How to", "make", articles and punctuation, in lower case.
CREATE OR REPLACE MACRO same_goal(goal_name) AS array_to_string(list_filter(
    words_of(regexp_replace(regexp_replace(plain_goal(goal_name), '[''’]s\b', 's', 'g'), '^make\s+(\S)', '\1')),
    lambda w: NOT list_contains(['a', 'an', 'the', 'your', 'my', 'some'], w)), ' ');

-- A title as the table `names` holds it.
CREATE OR REPLACE MACRO name_hash(goal_name) AS md5_number_lower(plain_goal(goal_name));

-- A slug as the table `names` holds it; it may be given with blanks, and with slashes around it.
CREATE OR REPLACE MACRO slug_hash(slug) AS md5_number_lower('/' || replace(trim(lower(slug), ' /'), ' ', '-'));

-- The host of an address, without "www.": what an article's site is called.
CREATE OR REPLACE MACRO site_of(url) AS lower(regexp_extract(url, '^[A-Za-z]+://(?:www\.)?([^/:?#]+)', 1));

-- Whether a site is the one named or below it: fr.ifixit.com is within ifixit.com. 'none' names the articles without a site.
CREATE OR REPLACE MACRO within_site(site, site_name) AS coalesce(
    lower(site) = lower(site_name) OR ends_with(lower(site), '.' || lower(site_name)), lower(site_name) = 'none');

-- The number and unit that the text of a thing plainly begins with: "2 1/2 cups of flour" -> "2 1/2 cups". A number that
-- belongs to a word ("12-inch pan", "2x4") is none.
CREATE OR REPLACE MACRO amount_of(thing) AS trim(regexp_extract(
    thing,
    '^\s*((?:\d+(?:[.,/⁄]\d+)?(?:\s*[¼½¾⅓⅔⅛]|\s+\d+[/⁄]\d+)?|[¼½¾⅓⅔⅛])'
    || '(?:\s*(?:[-–]|\b(?:to|or)\b)\s*(?:\d+(?:[.,/⁄]\d+)?(?:\s*[¼½¾⅓⅔⅛]|\s+\d+[/⁄]\d+)?|[¼½¾⅓⅔⅛]))?'
    || '(?:\s*(?:cups?|tablespoons?|tbsps?|teaspoons?|tsps?|ml|cl|dl|l|mg|g|kg|(?:fluid\s+|fl\.?\s+)?(?:oz|ounces?)|lbs?|'
    || 'pounds?|pints?|quarts?|gallons?|lit(?:er|re)s?|grams?|kilos?|mm|cm|m|inch(?:es)?|feet|foot|yards?|pinch(?:es)?|'
    || 'dash(?:es)?|handfuls?|bunch(?:es)?|drops?|slices?|cloves?|sprigs?|stalks?|heads?|pieces?|cans?|jars?|bottles?|'
    || 'packs?|packets?|packages?|sticks?)\b\.?)?)(?:\s*(?:[(,;]|$)|\s+(?:x\w|[^x×\s]))',
    1, 'i'));

-- What a thing is, without its amount, what is in brackets and what follows a comma: "2 cups (250 g) of flour, sifted" ->
-- "flour"; the whole text where nothing else is left.
CREATE OR REPLACE MACRO thing_name(thing) AS coalesce(nullif(trim(regexp_replace(regexp_replace(regexp_replace(
    trim(trim(thing)[len(amount_of(thing)) + 1:]), '\([^)]*\)', ' ', 'g'), '^\s*of\s+|[,;].*$', '', 'g'), '\s+', ' ', 'g')), ''),
    trim(thing));

-- Which letters a word has, as bits. One change to a word changes at most two of them.
CREATE OR REPLACE MACRO letters_of(word) AS
    list_bit_or(list_transform(string_split(word, ''), lambda c: 1::UBIGINT << (unicode(c) % 63)::UBIGINT));
