-- Search that forgives typos, under row-level security, quick for an account with 100 records and for one with a million.
-- docs/storage.md holds what was measured, and what lost.

-- As before, but most names are ASCII, where there is nothing to fold but case and spaces: a sixth of the time, and each record takes it eight
-- times. That ASCII has as many characters as bytes is the quickest way to tell.
create or replace function records.normal_form(p_text text) returns text
language plpgsql immutable strict parallel safe as $$
declare
  plain text;
begin
  if octet_length(p_text) = char_length(p_text) then
    plain := btrim(lower(translate(p_text, E'\t\n\r\f\x0b', '     ') collate pg_catalog.pg_c_utf8));
    if strpos(plain, '  ') = 0 then
      return plain;
    end if;
    return regexp_replace(plain, '  +', ' ', 'g');
  end if;
  return btrim(regexp_replace(
    lower(extensions.unaccent('extensions.unaccent'::regdictionary, regexp_replace(normalize(p_text, nfkc), '[\u0300-\u036f]', '', 'g')) collate pg_catalog.pg_c_utf8),
    '\s+', ' ', 'g'));
end $$;

-- What an index can hold of a normal form: some signs become eighteen letters in it.
create function records.short_form(p_text text) returns text
language plpgsql immutable strict parallel safe as $$
begin
  return left(records.normal_form(p_text), 256);
end $$;

-- A format in a word: the first part of its description, without how many there are. "2×LP, Album" is an lp.
create function records.format_kind(p_format text) returns text
language plpgsql immutable strict parallel safe as $$
begin
  return records.short_form(regexp_replace(split_part(p_format, ',', 1), '^\s*\d+\s*[x×]\s*', '', 'i'));
end $$;

-- The end of an account's id: 24 random bits.
create function records.tag_of(p_user uuid) returns text
language sql immutable strict parallel safe return right(p_user::text, 6);

-- What a record is searched by, as one document: the words that stand between spaces, and where one has punctuation in it also its parts and
-- the whole without it. "ac/dc" is found as ac/dc, as ac dc and as acdc. A catalog number is there in its parts and in one piece.
--
-- Each word begins with its owner's tag. So the index keeps an account's words together, a search reads nothing of anybody else's, and
-- the time that it takes tells nothing about them.
create function records.document_of(p_user uuid, p_artist text, p_name text, p_label text, p_catalog_number text, p_aliases jsonb) returns tsvector
language plpgsql immutable parallel safe as $$
declare
  tag text := records.tag_of(p_user);
  words text := records.normal_form(concat_ws(' ', p_artist, p_name, p_label));
  number text;
  alias text;
begin
  if p_aliases <> '[]' then
    for alias in select jsonb_array_elements_text(p_aliases) loop
      words := words || ' ' || records.normal_form(alias);
    end loop;
  end if;
  if words ~ '[^a-z0-9 ]' then
    words := concat_ws(' ', words,
      regexp_replace(words collate pg_catalog.pg_c_utf8, '[^[:alnum:]]+', ' ', 'g'),
      regexp_replace(words collate pg_catalog.pg_c_utf8, '[^[:alnum:] ]+', '', 'g'));
    -- A lexeme has at most 2,046 bytes.
    words := (select string_agg(left(word, 255), ' ') from string_to_table(words, ' ') word);
  end if;
  if p_catalog_number is not null then
    number := regexp_replace(records.short_form(p_catalog_number) collate pg_catalog.pg_c_utf8, '[^[:alnum:]]+', ' ', 'g');
    words := concat_ws(' ', words, number, replace(number, ' ', ''));
  end if;
  return array_to_tsvector(array_remove(string_to_array(tag || replace(words, ' ', ' ' || tag), ' '), tag));
end $$;
grant execute on function records.short_form, records.format_kind, records.tag_of, records.document_of to record_app;

-- Generated and STORED, so that an index can be on them and nobody can forget them.
-- locks: nothing is released, so the table is empty wherever that matters
alter table records.records
  add column artist_norm text collate "C" not null generated always as (records.short_form(artist)) stored,
  add column label_norm text collate "C" generated always as (records.short_form(label)) stored,
  add column catalog_norm text collate "C" generated always as (records.short_form(catalog_number)) stored,
  add column format_norm text collate "C" generated always as (records.format_kind(format)) stored,
  add column year integer generated always as (coalesce(release_year, extract(year from release_date)::integer)) stored,
  add column document tsvector not null
    generated always as (records.document_of(user_id, artist, name, label, catalog_number, aliases)) stored;

-- locks: nothing is released, so the table is empty wherever that matters
create index records_document on records.records using gin (document extensions.tsvector_ops) with (fastupdate = on, gin_pending_list_limit = 512);
-- locks: nothing is released, so the table is empty wherever that matters
create index records_artist on records.records (user_id, artist_norm);
-- locks: nothing is released, so the table is empty wherever that matters
create index records_label on records.records (user_id, label_norm);
-- locks: nothing is released, so the table is empty wherever that matters
create index records_catalog_number on records.records (user_id, catalog_norm);
-- locks: nothing is released, so the table is empty wherever that matters
create index records_format on records.records (user_id, format_norm);
-- locks: nothing is released, so the table is empty wherever that matters
create index records_year on records.records (user_id, year);
-- locks: nothing is released, so the table is empty wherever that matters
create index records_price on records.records (user_id, currency, price);

-- The distinct words of an account, which is what a typo is corrected against. Words are added with their records and stay when a record
-- goes: they only say what to look for, and the records say what there is.
--
-- A word with at most two typos keeps one of its three parts to the letter, at most two places away (Pass-Join: Li, Deng, Wang, Feng,
-- VLDB 2011). So near words are found by equality, which is leakproof and takes a B-tree, and only these are compared letter by letter.
-- A part begins with the length of its word, as one character.
create table records.words (
  user_id uuid not null,
  word text collate "C" not null,
  part_1 text collate "C" generated always as (
    case when char_length(word) between 3 and 40 then chr(64 + char_length(word)) || substr(word, 1, char_length(word) / 3) end) stored,
  part_2 text collate "C" generated always as (
    case when char_length(word) between 3 and 40
      then chr(64 + char_length(word)) || substr(word, 1 + char_length(word) / 3, (char_length(word) + 1) / 3) end) stored,
  part_3 text collate "C" generated always as (
    case when char_length(word) between 3 and 40
      then chr(64 + char_length(word)) || substr(word, 1 + char_length(word) / 3 + (char_length(word) + 1) / 3) end) stored,
  -- Whether there is more in it than letters. Most words of a large account are catalog numbers.
  mixed boolean not null generated always as (word ~ '[^[:alpha:]]' collate pg_catalog.pg_c_utf8) stored,
  primary key (user_id, word)
);
create index words_of_letters on records.words (user_id, word) where not mixed;
create index words_part_1 on records.words (user_id, part_1);
create index words_part_2 on records.words (user_id, part_2);
create index words_part_3 on records.words (user_id, part_3);

alter table records.words enable row level security;
alter table records.words force row level security;
create policy of_the_caller on records.words
  using (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid));
grant select, insert on records.words to record_app;

-- Whoever copies rows into a partition by its own name goes past this trigger, and adds their words as scripts/db/seed/fill.ts does.
-- In the order of the words: two transactions that add the same ones wait for each other instead of locking each other out.
create function records.learn_words() returns trigger
language plpgsql set search_path = '' as $$
begin
  insert into records.words (user_id, word)
  select l.user_id, l.word
  from (
    select distinct r.user_id, substr(lexeme, 7) as word
    from changed r cross join unnest(tsvector_to_array(r.document)) lexeme) l
  -- Most are there already. As "not exists" it would be joined, and for that all words of everybody be read.
  where (select true from records.words w where w.user_id = l.user_id and w.word = l.word) is null
  order by l.user_id, l.word
  on conflict do nothing;
  return null;
end $$;
create trigger learn_words_of_new after insert on records.records
  referencing new table as changed for each statement execute function records.learn_words();
create trigger learn_words_of_changed after update on records.records
  referencing new table as changed for each statement execute function records.learn_words();
grant execute on function records.learn_words to record_app;

-- A word as tsquery's text form wants it; with p_begins any word that begins with it. Without settings of its own and not STRICT, so that
-- its text is put into the statement: it is called for each word that is near. What its body names was settled when it was made.
create function records.lexeme(p_tag text, p_word text, p_begins boolean) returns text
language sql immutable parallel safe
return '''' || replace(replace(p_tag || p_word, '\', '\\'), '''', '''''') || '''' || case when p_begins then ':*' else '' end;

-- A word with two letters that are neighbours in each other's place, in every way.
create function records.swaps_of(p_word text) returns text[]
language sql immutable strict parallel safe set search_path = ''
return array(
  select substr(p_word, 1, i - 1) || substr(p_word, i + 1, 1) || substr(p_word, i, 1) || substr(p_word, i + 2)
  from generate_series(1, char_length(p_word) - 1) i);

-- Words of the account that are at most two typos away from p_word, the nearest first. A typo is a letter that is wrong, left out, too
-- many, or has changed places with its neighbour (optimal string alignment). Words of three letters admit one, shorter ones none.
create function records.near_words(p_user uuid, p_word text) returns table (word text, edits integer)
language plpgsql stable rows 20 set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  n integer := char_length(p_word);
  edits_max integer := case when n <= 3 then 1 else 2 end;
  shift_max integer := edits_max;
  swaps text[] := records.swaps_of(p_word);
  variants text[] := array[p_word];
  variant text;
  head text;
  parts_1 text[]; parts_2 text[]; parts_3 text[];
  found_rows bigint;
begin
  if n not between 3 and 40 then
    return;
  end if;
  -- Two letters that have changed places may spoil two parts. So where nothing is near, what is near with two of them changed back is
  -- looked for as well.
  for attempt in 1..edits_max loop
    parts_1 := '{}'; parts_2 := '{}'; parts_3 := '{}';
    foreach variant in array variants loop
      for len in greatest(3, n - shift_max)..least(40, n + shift_max) loop
        head := chr(64 + len);
        for shift in -shift_max..shift_max loop
          if shift >= 0 then parts_1 := parts_1 || (head || substr(variant, 1 + shift, len / 3)); end if;
          if len / 3 + shift >= 0 then parts_2 := parts_2 || (head || substr(variant, 1 + len / 3 + shift, (len + 1) / 3)); end if;
          if len / 3 + (len + 1) / 3 + shift >= 0 then
            parts_3 := parts_3 || (head || substr(variant, 1 + len / 3 + (len + 1) / 3 + shift, (len + 2) / 3));
          end if;
        end loop;
      end loop;
    end loop;
    return query
    select c.word, c.edits from (
      select w.word, case
          when w.distance <= 1 then w.distance
          when w.distance = 2 and w.word = any (swaps) then 1
          when edits_max = 1 then null
          when w.distance = 2 then 2
          when exists (select from unnest(swaps) swap where extensions.levenshtein_less_equal(swap, w.word, 1) <= 1) then 2
          when w.distance = 4 and w.word = any (select unnest(records.swaps_of(swap)) from unnest(swaps) swap) then 2
        end as edits
      from (
        select v.word, extensions.levenshtein_less_equal(p_word, v.word, 4) as distance
        from records.words v
        where v.user_id = p_user and (v.part_1 = any (parts_1) or v.part_2 = any (parts_2) or v.part_3 = any (parts_3))
        offset 0) w
      where w.distance <= 4) c
    where c.edits is not null
    order by c.edits, c.word
    limit 100;
    get diagnostics found_rows = row_count;
    exit when found_rows > 0;
    variants := swaps;
    shift_max := 1;
  end loop;
end $$;
grant execute on function records.lexeme, records.swaps_of, records.near_words to record_app;

-- What the filters ask of a row r, as SQL over the parameter $2. Every value stays a value; the text is made of what stands here alone.
create function records.conditions_of(p_filters jsonb) returns text
language sql immutable strict parallel safe set search_path = ''
return concat(
  case when p_filters ? 'artist' then ' and r.artist_norm = records.short_form($2 ->> ''artist'')' end,
  case when p_filters ? 'label' then ' and r.label_norm = records.short_form($2 ->> ''label'')' end,
  case when p_filters ? 'format' then ' and r.format_norm = records.format_kind($2 ->> ''format'')' end,
  case when p_filters ? 'year_min' then ' and r.year >= ($2 ->> ''year_min'')::integer' end,
  case when p_filters ? 'year_max' then ' and r.year <= ($2 ->> ''year_max'')::integer' end,
  case when p_filters ? 'grade_min' then ' and r.record_grade >= ($2 ->> ''grade_min'')::records.grade' end,
  case when p_filters ? 'price_min' then ' and r.price >= ($2 ->> ''price_min'')::numeric' end,
  case when p_filters ? 'price_max' then ' and r.price <= ($2 ->> ''price_max'')::numeric' end,
  case when p_filters ? 'currency' then ' and r.currency = $2 ->> ''currency''' end);

-- What a stage of a search looks for. One row for each word of the query: what counts as the word itself, as one typo, as two.
create type records.sought as (
  stage integer,
  -- All of a record's words at once; null where this stage can find nothing.
  found tsquery,
  -- The query with the nearest words of the account in place of those that it lacks, in normal form.
  corrected text,
  -- Of each word of the query: no typo, one, two. A record lacks a word where none is true, at the cost in missing.
  exact tsquery[], one tsquery[], two tsquery[], missing integer[]);
grant usage on type records.sought to record_app;

-- The stages of a search, from the strictest on. A stage counts only where the ones before it find nothing:
--   0  each word of the query begins a word of the record; those of up to three letters, but for the last, are whole words
--   1  one that begins none of the account's words stands for those one typo away, or else for those that contain it, or else for those
--      two typos away; of the others the last begins a word of the record, and those that are words of the account are whole words
--   2  each may hold one typo
--   3  each may hold two
--   4  words of one or two letters may be missing
--   5  one longer word may be missing, or those that no record of the account knows
-- Words are looked for inside of words of letters, or where they have digits or signs, of the account's first 100,000 words that have.
-- p_step: 0 and 1 for these stages, 2 for the others.
create function records.stages_of(p_user uuid, p_query text, p_step integer) returns setof records.sought
language plpgsql stable rows 6 set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  tag text := records.tag_of(p_user);
  query text := records.normal_form(p_query);
  words text[] := string_to_array(query, ' ');
  s records.sought;
  term text;
  parts text[];
  place integer := 0;
  every text[] := '{}';
  differs boolean := false;
  ones text[]; twos text[]; inside text[]; nearest text; itself text;
  loose_1 text[]; loose_2 text[];
  long_words text[] := '{}';
  lacking integer := 0;
  n_long integer := 0;
begin
  if p_step = 0 then
    s.stage := 0;
    s.corrected := query;
    foreach term in array words loop
      place := place + 1;
      parts := array_remove(regexp_split_to_array(term collate pg_catalog.pg_c_utf8, '[^[:alnum:]]+'), '');
      every := every || ('(' || records.lexeme(tag, term, char_length(term) > 3 or place = cardinality(words)) || case
        when cardinality(parts) > 0 and parts <> array[term] then
          '|' || (select string_agg(records.lexeme(tag, part, i = cardinality(parts)), '&') from unnest(parts) with ordinality p(part, i))
        else '' end || ')');
    end loop;
    s.found := array_to_string(every, '&')::tsquery;
    return next s;
    return;
  end if;

  if p_step = 2 then
    -- Typos are looked for in letters and digits alone.
    words := array_remove(regexp_split_to_array(query collate pg_catalog.pg_c_utf8, '[^[:alnum:]]+'), '');
    if cardinality(words) = 0 then
      return;
    end if;
  end if;
  s.corrected := '';
  s.exact := '{}'; s.one := '{}'; s.two := '{}'; s.missing := '{}';
  foreach term in array words loop
    place := place + 1;
    ones := null; twos := null; inside := null; nearest := null;
    if exists (select from records.words w where w.user_id = p_user and w.word >= term and w.word < term || U&'\+10FFFF') then
      nearest := term;
      differs := differs or char_length(term) <= 3 and place < cardinality(words);
    end if;
    -- Short words begin many others, and only the last word of a query may be half typed: "the" is not looked for in "theatre".
    itself := records.lexeme(tag, term, place = cardinality(words) or case p_step
      when 1 then not exists (select from records.words w where w.user_id = p_user and w.word = term)
      else char_length(term) > 3 end);
    if p_step = 2 or nearest is null then
      select array_agg(records.lexeme(tag, w.word, false)) filter (where w.edits <= 1),
        array_agg(records.lexeme(tag, w.word, false)) filter (where w.edits = 2),
        coalesce(nearest, (array_agg(w.word order by w.edits))[1])
      into ones, twos, nearest from records.near_words(p_user, term) w;
      differs := true;
    end if;
    if p_step = 1 and ones is null and not (nearest is not distinct from term) then
      select array_agg(records.lexeme(tag, f.word, false)) into inside from (
        select w.word from records.words w where w.user_id = p_user and not w.mixed and strpos(w.word, term) > 0
        union all
        select m.word
        from (select w.word from records.words w where w.user_id = p_user and w.mixed order by w.word limit 100000) m
        where term ~ '[^[:alpha:]]' collate pg_catalog.pg_c_utf8 and strpos(m.word, term) > 0
        limit 1000) f;
      if inside is not null then
        twos := null;
        nearest := term;
      elsif twos is null then
        return;
      end if;
    end if;
    s.exact := s.exact || coalesce(array_to_string(inside, '|'), itself)::tsquery;
    s.one := s.one || array_to_string(ones, '|')::tsquery;
    s.two := s.two || array_to_string(twos, '|')::tsquery;
    s.missing := s.missing || case when char_length(term) <= 2 then 1 else 3 end;
    s.corrected := concat_ws(' ', nullif(s.corrected, ''), coalesce(nearest, term));
    every := every || ('(' || concat_ws('|', coalesce(array_to_string(inside, '|'), itself),
      array_to_string(ones, '|'), case when ones is null then array_to_string(twos, '|') end) || ')');
    loose_1 := loose_1 || ('(' || concat_ws('|', itself, array_to_string(ones, '|')) || ')');
    loose_2 := loose_2 || ('(' || concat_ws('|', itself, array_to_string(ones, '|'), array_to_string(twos, '|')) || ')');
    if char_length(term) > 2 then
      n_long := n_long + 1;
      if nearest is null then
        lacking := lacking + 1;
      else
        long_words := long_words || loose_2[cardinality(loose_2)];
      end if;
    end if;
  end loop;

  if p_step = 1 then
    if differs then
      s.stage := 1;
      s.found := array_to_string(every, '&')::tsquery;
      return next s;
    end if;
    return;
  end if;
  s.stage := 2;
  s.found := array_to_string(loose_1, '&')::tsquery;
  return next s;
  s.stage := 3;
  s.found := array_to_string(loose_2, '&')::tsquery;
  return next s;
  s.stage := 4;
  if n_long > 0 and lacking = 0 and n_long < cardinality(words) then
    s.found := array_to_string(long_words, '&')::tsquery;
    return next s;
  end if;
  s.stage := 5;
  if lacking > 0 and 2 * lacking <= n_long then
    s.found := array_to_string(long_words, '&')::tsquery;
    return next s;
  elsif lacking = 0 and n_long between 3 and 8 then
    s.found := (select string_agg('(' || (select string_agg(part, '&') from unnest(long_words) with ordinality p(part, j) where j <> i) || ')', '|')
      from generate_subscripts(long_words, 1) i)::tsquery;
    return next s;
  end if;
end $$;

-- How good a match is. tier_of: 5000 a name or the catalog number equals the query, or artist and name together do; 4000 one begins with it;
-- 3000 it stands there in whole words; 2000 its words are there. Where records differ in their typos, from stage 2 on, these count a tenth
-- and each typo costs 1000.
-- Neither is STRICT nor has settings of its own, so that PostgreSQL puts their text into the statement.
create function records.tier_of(p_norm text, p_catalog_norm text, p_query text) returns integer
language sql immutable parallel safe as $$
  select case
    when strpos(p_norm, E'\n' || p_query || E'\n') > 0 or p_catalog_norm = p_query
      or starts_with(translate(p_norm, E'\n', ' '), ' ' || p_query) and substr(p_norm, char_length(p_query) + 2, 1) = E'\n' then 5000
    when strpos(p_norm, E'\n' || p_query) > 0 or starts_with(translate(p_norm, E'\n', ' '), ' ' || p_query) then 4000
    when strpos(translate(p_norm, E'\n', ' '), ' ' || p_query || ' ') > 0 then 3000
    else 2000
  end
$$;
create function records.typos_of(p_document tsvector, p_exact tsquery[], p_one tsquery[], p_two tsquery[], p_missing integer[]) returns integer
language sql immutable parallel safe as $$
  select (select sum(case
    when p_document operator(extensions.@~) q.exact then 0
    when p_document operator(extensions.@~) q.one then 1
    when p_document operator(extensions.@~) q.two then 2
    else q.missing end) from unnest(p_exact, p_one, p_two, p_missing) q(exact, one, two, missing))::integer
$$;
grant execute on function records.tier_of, records.typos_of to record_app;

-- One page of what matches, and how much matches altogether, in one answer: where the page is empty, one row with the total and no record.
--
-- p_query: may be empty. p_filters: an object with any of artist, label, format, year_min, year_max, grade_min, price_min, price_max,
-- currency. p_order: RELEVANCE (with a query only), NEWEST, OLDEST, BY_ARTIST, BY_YEAR, BY_PRICE. p_stage is null for the first page, and what
-- that one answered for the others: what is added in between doesn't turn the list into another. The page begins after
-- (p_after_key, p_after_created_at, p_after_id) where they are given, and is stable while records are added.
--
-- The total is exact up to 10,000; above, it is 10,000 and a lower bound. A query that matches more lists 10,000 of them.
create function records.find_records(
  p_user uuid, p_session uuid, p_query text, p_filters jsonb, p_order text, p_limit integer, p_offset integer,
  p_stage integer, p_after_key text, p_after_created_at timestamptz, p_after_id uuid)
returns table (total integer, total_is_lower_bound boolean, stage integer, sort_key text, record records.readable)
language plpgsql rows 50 set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
#variable_conflict use_column
declare
  total_max constant integer := 10000;
  conditions text := records.conditions_of(p_filters);
  with_query boolean := records.normal_form(p_query) <> '';
  key text := case p_order when 'RELEVANCE' then 'r.rank' when 'BY_ARTIST' then 'r.artist_norm' when 'BY_YEAR' then 'coalesce(r.year, 0)'
    when 'BY_PRICE' then 'coalesce(r.price, -1)' else '0' end;
  key_type text := case p_order when 'BY_ARTIST' then 'text' when 'BY_PRICE' then 'numeric' else 'integer' end;
  ordering text := case p_order when 'NEWEST' then 'r.created_at desc, r.id desc' when 'OLDEST' then 'r.created_at, r.id'
    when 'BY_ARTIST' then 'r.artist_norm, r.id' else key || ' desc, r.created_at desc, r.id desc' end;
  beginning text := case when p_after_id is null then '' else case p_order
    when 'NEWEST' then ' and (r.created_at, r.id) < ($6, $7)' when 'OLDEST' then ' and (r.created_at, r.id) > ($6, $7)'
    when 'BY_ARTIST' then ' and (r.artist_norm, r.id) > ($5, $7)'
    else format(' and (%s, r.created_at, r.id) < ($5::%s, $6, $7)', key, key_type) end end;
  first_step integer := case when p_stage is null then 0 else least(p_stage, 2) end;
  last_step integer := case when p_stage is null then 2 else least(p_stage, 2) end;
  s records.sought;
  found_rows bigint;
begin
  perform auth.begin_call(p_user, p_session);

  if not with_query then
    return query execute format(
      'with page as (select r.id, (%1$s)::text as key, row_number() over (order by %2$s) as place
          from records.records r where r.user_id = $1 %3$s %4$s order by %2$s limit $3 offset $4)
        select least(counted.total, %5$s), counted.total > %5$s, 0, page.key, v
        from (select count(*)::integer as total from (select from records.records r where r.user_id = $1 %3$s limit %5$s + 1) r) counted
        left join (page join records.readable v on v.user_id = $1 and v.id = page.id) on true
        order by page.place', key, ordering, conditions, beginning, total_max)
      using p_user, p_filters, p_limit, p_offset, p_after_key, p_after_created_at, p_after_id;
    return;
  end if;

  for step in first_step..last_step loop
    for s in select * from records.stages_of(p_user, p_query, step) loop
      continue when s.stage <> coalesce(p_stage, s.stage);
      -- The most frequent form has a plan that stays; planning takes longer than finding.
      if conditions = '' and p_order = 'RELEVANCE' then
        return query
        with r as materialized (
            select r.id, r.created_at, case
              when s.stage <= 1 then records.tier_of(r.norm, r.catalog_norm, s.corrected)
              else records.tier_of(r.norm, r.catalog_norm, s.corrected) / 10 - 1000 * records.typos_of(r.document, s.exact, s.one, s.two, s.missing)
            end as rank
            from records.records r where r.user_id = p_user and r.document operator(extensions.@~) s.found limit total_max + 1),
          page as (
            select r.id, r.rank, row_number() over (order by r.rank desc, r.created_at desc, r.id desc) as place from r
            where p_after_id is null or (r.rank, r.created_at, r.id) < (p_after_key::integer, p_after_created_at, p_after_id)
            order by r.rank desc, r.created_at desc, r.id desc limit p_limit offset p_offset)
        select least(counted.total, total_max), counted.total > total_max, s.stage, page.rank::text, v
        from (select count(*)::integer as total from r) counted
        left join (page join records.readable v on v.user_id = p_user and v.id = page.id) on true
        where counted.total > 0
        order by page.place;
        get diagnostics found_rows = row_count;
        if found_rows > 0 then
          return;
        end if;
        continue;
      end if;
      return query execute format(
        'with r as materialized (
            select r.id, r.created_at, r.artist_norm, r.year, r.price, %6$s as rank
            from records.records r where r.user_id = $1 and r.document operator(extensions.@~) $13 %3$s limit %5$s + 1),
          page as (select r.id, (%1$s)::text as key, row_number() over (order by %2$s) as place from r where true %4$s order by %2$s limit $3 offset $4)
        select least(counted.total, %5$s), counted.total > %5$s, $14, page.key, v
        from (select count(*)::integer as total from r) counted
        left join (page join records.readable v on v.user_id = $1 and v.id = page.id) on true
        where counted.total > 0
        order by page.place', key, ordering, conditions, beginning, total_max,
        case when p_order <> 'RELEVANCE' then '0' when s.stage <= 1 then 'records.tier_of(r.norm, r.catalog_norm, $8)'
          else 'records.tier_of(r.norm, r.catalog_norm, $8) / 10 - 1000 * records.typos_of(r.document, $9, $10, $11, $12)' end)
        using p_user, p_filters, p_limit, p_offset, p_after_key, p_after_created_at, p_after_id,
          s.corrected, s.exact, s.one, s.two, s.missing, s.found, s.stage;
      get diagnostics found_rows = row_count;
      if found_rows > 0 then
        return;
      end if;
    end loop;
  end loop;
  return query select 0, false, 0, null::text, null::records.readable;
end $$;
grant execute on function records.conditions_of, records.stages_of, records.find_records to record_app;

-- Values of one field that begin with a prefix, in alphabetical order, each once, as one of their records spells it. The index is walked from
-- value to value, past the records that have the same: an account with a million takes no longer than one with a hundred.
-- p_field: ARTIST, LABEL, CATALOG_NUMBER.
create function records.autocomplete(p_user uuid, p_session uuid, p_field text, p_prefix text, p_limit integer) returns table (value text)
language plpgsql rows 10 set search_path = '' as $$
declare
  prefix text := records.short_form(p_prefix);
  field text := case p_field when 'ARTIST' then 'artist' when 'LABEL' then 'label' when 'CATALOG_NUMBER' then 'catalog_number' end;
  norm text := case p_field when 'ARTIST' then 'artist_norm' when 'LABEL' then 'label_norm' when 'CATALOG_NUMBER' then 'catalog_norm' end;
begin
  perform auth.begin_call(p_user, p_session);
  return query execute format(
    'with recursive found as (
      (select r.%2$I as norm, r.%1$I as value, 1 as place
        from records.records r where r.user_id = $1 and r.%2$I >= $2 and r.%2$I < $3 order by r.%2$I limit 1)
      union all
      select next.norm, next.value, f.place + 1
      from found f
      cross join lateral (
        select r.%2$I as norm, r.%1$I as value
        from records.records r where r.user_id = $1 and r.%2$I > f.norm and r.%2$I < $3 order by r.%2$I limit 1) next
      where f.place < $4)
    select f.value from found f order by f.place', field, norm)
  using p_user, coalesce(nullif(prefix, ''), E'\x01'), prefix || U&'\+10FFFF', p_limit;
end $$;

-- What a query finds, as the stage of its search that finds anything first; null where none does. The caller is known already.
create function records.found_by(p_user uuid, p_query text, p_filters jsonb) returns tsquery
language plpgsql stable set search_path = '' as $$
declare
  s records.sought;
  found_any boolean;
begin
  for step in 0..2 loop
    for s in select * from records.stages_of(p_user, p_query, step) loop
      execute format('select exists (select from records.records r where r.user_id = $1 and r.document operator(extensions.@~) $3 %s)',
        records.conditions_of(p_filters)) into found_any using p_user, p_filters, s.found;
      if found_any then
        return s.found;
      end if;
    end loop;
  end loop;
  return null;
end $$;

-- The rows r that a query and filters find, as SQL over $1 (the caller), $2 (the filters) and $3 (what found_by answered). Without a query
-- it is all of them, and an index alone may answer; with one at most 10,000, in a CTE named found.
create function records.found_rows(p_query text, p_filters jsonb, out preamble text, out source text)
language plpgsql immutable parallel safe set search_path = '' as $$
begin
  if records.normal_form(p_query) = '' then
    preamble := 'with bounded as (select false as above)';
    source := 'records.records r where r.user_id = $1' || records.conditions_of(p_filters);
  else
    preamble := format(
      'with one_more as materialized (
        select r.format_norm, r.label_norm, r.year, r.price, r.currency
        from records.records r where r.user_id = $1 and r.document operator(extensions.@~) $3 %s limit 10001),
      found as (select * from one_more limit 10000),
      bounded as (select count(*) > 10000 as above from one_more)', records.conditions_of(p_filters));
    source := 'found r where true';
  end if;
end $$;

-- The p_limit most frequent formats, labels and decades of what a query and filters find. A value is spelled as in one of its records.
create function records.facets(p_user uuid, p_session uuid, p_query text, p_filters jsonb, p_limit integer)
returns table (facet text, value text, count integer, counts_are_lower_bounds boolean)
language plpgsql rows 30 set search_path = '' as $$
declare
  preamble text;
  source text;
begin
  perform auth.begin_call(p_user, p_session);
  select f.preamble, f.source into preamble, source from records.found_rows(p_query, p_filters) f;
  return query execute format(
    '%1$s,
    formats as (select r.format_norm, count(*)::integer from %2$s and r.format_norm <> '''' group by 1 order by 2 desc, 1 limit $4),
    labels as (select r.label_norm, count(*)::integer from %2$s and r.label_norm <> '''' group by 1 order by 2 desc, 1 limit $4),
    decades as (select r.year / 10 * 10 as decade, count(*)::integer from %2$s and r.year is not null group by 1 order by 2 desc, 1 limit $4)
    select f.facet, f.value, f.count, b.above from (
      select ''format'' as facet, (
        select btrim(regexp_replace(split_part(r.format, '','', 1), ''^\s*\d+\s*[x×]\s*'', '''', ''i''))
        from records.records r where r.user_id = $1 and r.format_norm = f.format_norm limit 1) as value, f.count from formats f
      union all
      select ''label'', (select r.label from records.records r where r.user_id = $1 and r.label_norm = l.label_norm limit 1), l.count from labels l
      union all
      select ''decade'', d.decade::text, d.count from decades d) f
    cross join bounded b
    order by f.facet, f.count desc, f.value', preamble, source)
  using p_user, p_filters, case when records.normal_form(p_query) <> '' then records.found_by(p_user, p_query, p_filters) end, p_limit;
end $$;

-- Prices of what a query and filters find, by currency, that with most records first; a row without a sum counts the records without a price.
-- The median of an even number is the mean of the two in the middle, p90 the nearest rank; computed amounts are rounded half up to cents.
create function records.price_stats(p_user uuid, p_session uuid, p_query text, p_filters jsonb)
returns table (
  currency text, count integer, min numeric, median numeric, mean numeric, p90 numeric, max numeric, sum numeric, counts_are_lower_bounds boolean)
language plpgsql rows 5 set search_path = '' as $$
declare
  preamble text;
  source text;
begin
  perform auth.begin_call(p_user, p_session);
  select f.preamble, f.source into preamble, source from records.found_rows(p_query, p_filters) f;
  return query execute format(
    '%1$s,
    priced as (
      select r.currency, r.price,
        row_number() over (partition by r.currency order by r.price) as place, count(*) over (partition by r.currency) as n
      from %2$s and r.price is not null),
    stats as (
      select p.currency, p.n::integer, min(p.price),
        round(avg(p.price) filter (where p.place in ((p.n + 1) / 2, p.n / 2 + 1)), 2), round(avg(p.price), 2),
        min(p.price) filter (where p.place = (p.n * 9 + 9) / 10), max(p.price), sum(p.price)
      from priced p group by p.currency, p.n
      union all
      select null, count(*)::integer, null, null, null, null, null, null from %2$s and r.price is null having count(*) > 0)
    select s.*, b.above from stats s cross join bounded b order by s.sum is null, s.n desc, s.currency', preamble, source)
  using p_user, p_filters, case when records.normal_form(p_query) <> '' then records.found_by(p_user, p_query, p_filters) end;
end $$;

create function records.list_recent(p_user uuid, p_session uuid, p_limit integer) returns setof records.readable
language plpgsql rows 20 set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
begin
  perform auth.begin_call(p_user, p_session);
  return query select * from records.readable r where r.user_id = p_user order by r.created_at desc, r.id desc limit p_limit;
end $$;

grant execute on function
  records.autocomplete, records.found_by, records.found_rows, records.facets, records.price_stats, records.list_recent to record_app;
