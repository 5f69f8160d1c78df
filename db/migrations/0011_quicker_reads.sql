-- Reads take less of the processor, and a search with a typo fills its first page. docs/storage.md holds what was measured.
--
-- Functions that run as their caller set nothing any more: search_path and plan_cache_mode are settings of the role record_app
-- (db/bootstrap.sql), and every name in them has its schema. Setting both again at each call was a tenth of a read by id.

-- How good a match is, as before. Each record that matches is asked, and a plan that is kept answers in a tenth of the time of one that is made
-- in each statement.
create or replace function records.typos_of(p_document tsvector, p_exact tsquery[], p_one tsquery[], p_two tsquery[], p_missing integer[]) returns integer
language plpgsql immutable parallel safe as $$
declare
  sum integer := 0;
begin
  for i in 1..cardinality(p_exact) loop
    if p_document operator(extensions.@~) p_exact[i] then
      continue;
    end if;
    sum := sum + case
      when p_document operator(extensions.@~) p_one[i] then 1
      when p_document operator(extensions.@~) p_two[i] then 2
      else p_missing[i] end;
  end loop;
  return sum;
end $$;

-- One record. An IF asks auth.begin_call without a statement of its own, which PERFORM would run; it never is null.
create or replace function records.get_record(p_user uuid, p_session uuid, p_id uuid) returns records.readable
language plpgsql as $$
declare
  found_record records.readable;
begin
  if auth.begin_call(p_user, p_session) is null then
    return null;
  end if;
  select * into found_record from records.readable r where r.user_id = p_user and r.id = p_id;
  if not found then
    raise exception using errcode = 'RP000', message = 'NOT_FOUND';
  end if;
  return found_record;
end $$;

create or replace function records.list_recent(p_user uuid, p_session uuid, p_limit integer) returns setof records.readable
language plpgsql rows 20 as $$
begin
  if auth.begin_call(p_user, p_session) is null then
    return;
  end if;
  return query select * from records.readable r where r.user_id = p_user order by r.created_at desc, r.id desc limit p_limit;
end $$;

-- What a word of a query may stand for in an account. Words of the account stand in tsquery's text form with "|" between them, null where there
-- is none.
create type records.near as (
  word text,
  -- Whether it begins a word of the account, and whether it is one.
  known boolean, whole boolean,
  -- Whether words near it have been looked for: those one typo away, those two, and which is the nearest.
  looked boolean, ones text, twos text, nearest text,
  -- Words that contain it.
  inside text);
grant usage on type records.near to record_app;

-- Takes the place of near_words, which stays for calls of the release before.
--
-- Adds the words of the account that are at most two typos away from p_near.word, a hundred of the nearest. A typo is a letter that is wrong,
-- left out, too many, or has changed places with its neighbour (optimal string alignment). Words of three letters admit one, shorter ones none.
--
-- Two letters wrong, left out or too many leave one of a word's three parts as it is: the first at the beginning, the last at the end, or that
-- in the middle, moved by at most one place from either (multi-match-aware selection of Pass-Join). A letter that has changed places may
-- spoil two parts. Changed back, there is one typo left, and the first or the last part is whole.
create function records.with_words_near(p_user uuid, p_near records.near) returns records.near
language plpgsql stable as $$
declare
  tag constant text := records.tag_of(p_user);
  term constant text := p_near.word;
  n constant integer := char_length(term);
  edits_max constant integer := case when n <= 3 then 1 else 2 end;
  swaps text[] := '{}';
  parts_1 text[] := '{}'; parts_2 text[] := '{}'; parts_3 text[] := '{}';
  head text;
  len_1 integer; len_2 integer; len_3 integer;
begin
  p_near.looked := true;
  if n not between 3 and 40 then
    return p_near;
  end if;
  for i in 1..n - 1 loop
    swaps := swaps || (left(term, i - 1) || substr(term, i + 1, 1) || substr(term, i, 1) || substr(term, i + 2));
  end loop;
  for len in greatest(3, n - edits_max)..least(40, n + edits_max) loop
    head := chr(64 + len);
    len_1 := len / 3;
    len_2 := (len + 1) / 3;
    len_3 := (len + 2) / 3;
    parts_1 := parts_1 || (head || left(term, len_1));
    for place in 1 + len_1 + greatest(-1, n - len - 1)..1 + len_1 + least(1, n - len + 1) loop
      parts_2 := parts_2 || (head || substr(term, place, len_2));
    end loop;
    parts_3 := parts_3 || (head || right(term, len_3));
    if edits_max = 2 and abs(n - len) <= 1 then
      -- Where the swap isn't in that part, the part is among them already.
      for i in 1..least(len_1, n - 1) loop
        parts_1 := parts_1 || (head || left(swaps[i], len_1));
      end loop;
      for i in greatest(1, n - len_3)..n - 1 loop
        parts_3 := parts_3 || (head || right(swaps[i], len_3));
      end loop;
    end if;
  end loop;
  select string_agg(records.lexeme(tag, l.word, false), '|') filter (where l.edits <= 1),
    string_agg(records.lexeme(tag, l.word, false), '|') filter (where l.edits = 2),
    coalesce(p_near.nearest, (array_agg(l.word))[1])
  into p_near.ones, p_near.twos, p_near.nearest
  from (
    select c.word, c.edits from (
      select w.word, case
          when w.distance <= 1 then w.distance
          when w.distance = 2 and w.word = any (swaps) then 1
          when edits_max = 1 then null
          when w.distance = 2 then 2
          -- A swap and another typo. Few words have so many letters in common, and only these are compared with each swap.
          when abs(char_length(w.word) - n) <= 1 and char_length(translate(w.word, term, '')) <= 1 and char_length(translate(term, w.word, '')) <= 1
            and exists (select from unnest(swaps) swap where extensions.levenshtein_less_equal(swap, w.word, 1) <= 1
              or w.distance = 4 and extensions.levenshtein_less_equal(swap, w.word, 2) = 2 and w.word = any (records.swaps_of(swap))) then 2
        end as edits
      from (
        select v.word, extensions.levenshtein_less_equal(term, v.word, 4) as distance
        from records.words v
        where v.user_id = p_user and (v.part_1 = any (parts_1) or v.part_2 = any (parts_2) or v.part_3 = any (parts_3))
        offset 0) w
      where w.distance <= 4
      offset 0) c
    where c.edits is not null
    order by c.edits, c.word
    limit 100) l;
  return p_near;
end $$;
grant execute on function records.with_words_near to record_app;

-- Takes the place of stages_of, which stays for calls of the release before.
--
-- The stages of a search, from the strictest on; each of the first four finds what those before it find, and more:
--   0  each word of the query begins a word of the record; those of up to three letters, but for the last, are whole words
--   1  one that begins none of the account's words stands for those one typo away, or else for those that contain it, or else for those
--      two typos away; of the others the last begins a word of the record, and those that are words of the account are whole words
--   2  each may hold one typo
--   3  each may hold two
--   4  words of one or two letters may be missing
--   5  one longer word may be missing, or those that no record of the account knows
-- Words are looked for inside of words of letters, or where they have digits or signs, of the account's first 100,000 words that have.
--
-- Where it corrects typos it first learns what the account has noted, so it is not STABLE.
-- p_query is in normal form. p_step: 0 and 1 for these stages, 2 for the others. p_near: what the step before answered about the query's words.
create function records.sought_by(p_user uuid, p_query text, p_step integer, inout p_near records.near[], out stages records.sought[])
language plpgsql as $$
declare
  tag constant text := records.tag_of(p_user);
  words text[] := string_to_array(p_query, ' ');
  before constant records.near[] := p_near;
  s records.sought;
  near records.near;
  term text;
  parts text[];
  place integer := 0;
  is_last boolean;
  itself text; exactly text;
  every text[] := '{}';
  differs boolean := false;
  loose_1 text[]; loose_2 text[];
  long_words text[] := '{}';
  lacking integer := 0;
  n_long integer := 0;
begin
  stages := '{}';
  if p_step = 0 then
    s.stage := 0;
    s.corrected := p_query;
    foreach term in array words loop
      place := place + 1;
      itself := records.lexeme(tag, term, char_length(term) > 3 or place = cardinality(words));
      if term ~ '[^a-z0-9]' then
        parts := array_remove(regexp_split_to_array(term collate pg_catalog.pg_c_utf8, '[^[:alnum:]]+'), '');
        if cardinality(parts) > 0 and parts <> array[term] then
          itself := itself || '|' || (select string_agg(records.lexeme(tag, part, i = cardinality(parts)), '&') from unnest(parts) with ordinality p(part, i));
        end if;
      end if;
      every := every || ('(' || itself || ')');
    end loop;
    s.found := array_to_string(every, '&')::tsquery;
    stages := array[s];
    return;
  end if;

  if p_step = 1 then
    perform records.learn(p_user);
  end if;
  if p_step = 2 and p_query ~ '[^a-z0-9 ]' then
    -- Typos are looked for in letters and digits alone.
    words := array_remove(regexp_split_to_array(p_query collate pg_catalog.pg_c_utf8, '[^[:alnum:]]+'), '');
    if cardinality(words) = 0 then
      return;
    end if;
  end if;
  p_near := '{}';
  s.corrected := '';
  s.exact := '{}'; s.one := '{}'; s.two := '{}'; s.missing := '{}';
  foreach term in array words loop
    place := place + 1;
    is_last := place = cardinality(words);
    near := before[place];
    if near.word is distinct from term then
      near := row(term, false, false, false, null, null, null, null);
      itself := (select w.word from records.words w where w.user_id = p_user and w.word >= term order by w.word limit 1);
      if starts_with(itself, term) then
        near.known := true;
        near.whole := itself = term;
        near.nearest := term;
      end if;
    end if;
    if not near.looked and (p_step = 2 or not near.known) then
      near := records.with_words_near(p_user, near);
      if p_step = 1 and near.ones is null then
        select string_agg(records.lexeme(tag, f.word, false), '|') into near.inside from (
          select w.word from records.words w where w.user_id = p_user and not w.mixed and strpos(w.word, term) > 0
          union all
          select m.word
          from (select w.word from records.words w where w.user_id = p_user and w.mixed order by w.word limit 100000) m
          where term ~ '[^[:alpha:]]' collate pg_catalog.pg_c_utf8 and strpos(m.word, term) > 0
          limit 1000) f;
        if near.inside is not null then
          near.nearest := term;
        end if;
      end if;
    end if;
    p_near := p_near || near;
    -- Short words begin many others, and only the last word of a query may be half typed: "the" is not looked for in "theatre".
    itself := records.lexeme(tag, term, is_last or not near.whole or p_step = 2 and char_length(term) > 3);
    exactly := coalesce(near.inside, itself);
    if p_step = 1 then
      if not near.known and near.inside is null and near.ones is null and near.twos is null then
        return; -- This stage can find nothing.
      end if;
      differs := differs or not near.known or char_length(term) <= 3 and not is_last;
      -- Two typos only where nothing is nearer.
      if near.inside is not null or near.ones is not null then
        near.twos := null;
      end if;
      every := every || ('(' || concat_ws('|', exactly, near.ones, near.twos) || ')');
    else
      loose_1 := loose_1 || ('(' || concat_ws('|', exactly, near.ones) || ')');
      loose_2 := loose_2 || ('(' || concat_ws('|', exactly, near.ones, near.twos) || ')');
      if char_length(term) > 2 then
        n_long := n_long + 1;
        if near.nearest is null then
          lacking := lacking + 1;
        else
          long_words := long_words || loose_2[place];
        end if;
      end if;
    end if;
    s.exact := s.exact || exactly::tsquery;
    s.one := s.one || near.ones::tsquery;
    s.two := s.two || near.twos::tsquery;
    s.missing := s.missing || case when char_length(term) <= 2 then 1 else 3 end;
    s.corrected := concat_ws(' ', nullif(s.corrected, ''), coalesce(near.nearest, term));
  end loop;

  if p_step = 1 then
    if differs then
      s.stage := 1;
      s.found := array_to_string(every, '&')::tsquery;
      stages := array[s];
    end if;
    return;
  end if;
  s.stage := 2;
  s.found := array_to_string(loose_1, '&')::tsquery;
  stages := stages || s;
  s.stage := 3;
  s.found := array_to_string(loose_2, '&')::tsquery;
  stages := stages || s;
  s.stage := 4;
  if n_long > 0 and lacking = 0 and n_long < cardinality(words) then
    s.found := array_to_string(long_words, '&')::tsquery;
    stages := stages || s;
  end if;
  s.stage := 5;
  if lacking > 0 and 2 * lacking <= n_long then
    s.found := array_to_string(long_words, '&')::tsquery;
    stages := stages || s;
  elsif lacking = 0 and n_long between 3 and 8 then
    s.found := (select string_agg('(' || (select string_agg(part, '&') from unnest(long_words) with ordinality p(part, j) where j <> i) || ')', '|')
      from generate_subscripts(long_words, 1) i)::tsquery;
    stages := stages || s;
  end if;
end $$;

-- How many records a stage must find to be the answer. Where one that forgives typos would not fill ten lines, the next ones are asked, which
-- find the same and more; what matches to the letter, or stands inside of words, is a list however short it is. In step 2 nothing is
-- left for stage 1 but to be taken as it is.
create function records.enough_of(p_sought records.sought, p_step integer) returns integer
language plpgsql immutable parallel safe as $$
begin
  if p_sought.stage = 2 or p_step = 1 and array_remove(p_sought.one || p_sought.two, null) <> '{}' then
    return 10;
  end if;
  return 1;
end $$;
grant execute on function records.sought_by, records.enough_of to record_app;

-- Takes the place of find_records, which stays for calls of the release before: the columns of a record stand beside the others, where a
-- record in one column is taken apart again for each of its 36.
--
-- One page of what matches, and how much matches altogether, in one answer: where the page is empty, one row with the total and no record.
--
-- p_query: may be empty. p_filters: an object with any of artist, label, format, year_min, year_max, grade_min, price_min, price_max,
-- currency. p_order: RELEVANCE (with a query only), NEWEST, OLDEST, BY_ARTIST, BY_YEAR, BY_PRICE. p_stage is null for the first page, and what
-- that one answered for the others: what is added in between doesn't turn the list into another. The page begins after
-- (p_after_key, p_after_created_at, p_after_id) where they are given, and is stable while records are added.
--
-- What a query finds to the letter, or inside of words, is the list. Where typos must be forgiven, as many are as it takes to find ten.
--
-- The total is exact up to 10,000; above, it is 10,000 and a lower bound. A query that matches more lists 10,000 of them.
create function records.list_records(
  p_user uuid, p_session uuid, p_query text, p_filters jsonb, p_order text, p_limit integer, p_offset integer,
  p_stage integer, p_after_key text, p_after_created_at timestamptz, p_after_id uuid)
returns table (total integer, total_is_lower_bound boolean, stage integer, sort_key text,
  id uuid, user_id uuid, artist text, name text, aliases jsonb, format text, label text, label_code text, catalog_number text,
  record_grade records.grade, sleeve_grade records.grade, insert_grade records.grade, booklet_grade records.grade, obi_strip_grade records.grade,
  factory_sleeve_grade records.grade, has_insert boolean, has_booklet boolean, has_obi_strip boolean, has_factory_sleeve boolean, is_promo boolean,
  notes text, purchased_at date, price numeric, currency text, release_date date, release_year integer, pressing_year integer, media jsonb,
  discogs_release_id integer, collection_folder text, rating integer, added_at timestamptz(3), import_key text,
  revision bigint, created_at timestamptz(3), updated_at timestamptz(3))
language plpgsql rows 50 as $$
#variable_conflict use_column
declare
  total_max constant integer := 10000;
  query constant text := records.normal_form(p_query);
  conditions text := '';
  key text; key_type text; ordering text; beginning text;
  answer record;
  near records.near[];
  s records.sought;
  fewer records.sought;
  enough integer;
  counted integer;
  price_min numeric;
  ids uuid[]; times timestamptz[]; ranks integer[];
begin
  if auth.begin_call(p_user, p_session) is null then
    return;
  end if;
  if p_filters <> '{}' then
    conditions := records.conditions_of(p_filters);
  end if;

  -- The most frequent lists have plans that stay; planning takes longer than finding.
  if query = '' and p_order = 'NEWEST' and conditions = '' then
    counted := (select count(*) from (select from records.records r where r.user_id = p_user limit total_max + 1) r);
    return query
    select least(counted, total_max), counted > total_max, 0, '0', v.*
    from records.readable v
    -- Plain values, so that the index begins where the page does.
    where v.user_id = p_user and (v.created_at, v.id)
      < (coalesce(p_after_created_at, 'infinity'), coalesce(p_after_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    order by v.created_at desc, v.id desc
    limit p_limit offset p_offset;
    if not found then
      return query select least(counted, total_max), counted > total_max, 0, null::text, v.*
        from (select) one left join records.readable v on false;
    end if;
    return;
  end if;

  if conditions <> '' or p_order <> 'RELEVANCE' then
    key := case p_order when 'RELEVANCE' then 'r.rank' when 'BY_ARTIST' then 'r.artist_norm' when 'BY_YEAR' then 'coalesce(r.year, 0)'
      when 'BY_PRICE' then 'coalesce(r.price, -1)' else '0' end;
    key_type := case p_order when 'BY_ARTIST' then 'text' when 'BY_PRICE' then 'numeric' else 'integer' end;
    ordering := case p_order when 'NEWEST' then 'r.created_at desc, r.id desc' when 'OLDEST' then 'r.created_at, r.id'
      when 'BY_ARTIST' then 'r.artist_norm, r.id' else key || ' desc, r.created_at desc, r.id desc' end;
    beginning := case when p_after_id is null then '' else case p_order
      when 'NEWEST' then ' and (r.created_at, r.id) < ($6, $7)' when 'OLDEST' then ' and (r.created_at, r.id) > ($6, $7)'
      when 'BY_ARTIST' then ' and (r.artist_norm, r.id) > ($5, $7)'
      else format(' and (%s, r.created_at, r.id) < ($5::%s, $6, $7)', key, key_type) end end;
  end if;

  -- No index holds the order of prices in all currencies; one holds the prices. What can be on the page is read from the table, and not all
  -- records of the account.
  if query = '' and p_order = 'BY_PRICE' and conditions = '' then
    if p_after_key::numeric < 0 then
      beginning := ' and r.price is null and (r.created_at, r.id) < ($6, $7)';
      ordering := 'r.created_at desc, r.id desc';
    else
      execute 'select min(p.price) from (
          select r.price from records.records r where r.user_id = $1 and r.price is not null and ($2 is null or r.price < $2) order by r.price desc limit $3) p
        having count(*) = $3'
        into price_min using p_user, p_after_key::numeric, p_limit::bigint + p_offset;
      if price_min is not null then
        beginning := beginning || ' and r.price >= $8' || case when p_after_id is null then '' else ' and r.price <= $5::numeric' end;
      end if;
    end if;
  end if;

  if query = '' then
    return query execute format(
      'with page as (select r.id, (%1$s)::text as key, row_number() over (order by %2$s) as place
          from records.records r where r.user_id = $1 %3$s %4$s order by %2$s limit $3 offset $4)
        select least(counted.total, %5$s), counted.total > %5$s, 0, page.key, v.*
        from (select count(*)::integer as total from (select from records.records r where r.user_id = $1 %3$s limit %5$s + 1) r) counted
        left join (page join records.readable v on v.user_id = $1 and v.id = page.id) on true
        order by page.place', key, ordering, conditions, beginning, total_max)
      using p_user, p_filters, p_limit, p_offset, p_after_key, p_after_created_at, p_after_id, price_min;
    return;
  end if;

  for step in case when p_stage is null then 0 else least(p_stage, 2) end..case when p_stage is null then 2 else least(p_stage, 2) end loop
    answer := records.sought_by(p_user, query, step, near);
    near := answer.p_near;
    -- Where typos in letters and digits alone find nothing, those in whole words may have: "ac/dv".
    foreach s in array case when fewer.stage is null then answer.stages else answer.stages[:2] || fewer || answer.stages[3:] end loop
      continue when s.stage <> coalesce(p_stage, s.stage);
      -- Where few words are near, stage 3 is read as quickly, and ranks what has one typo before what has two.
      continue when p_stage is null and s.stage = 2 and numnode(answer.stages[2].found) < 200;
      enough := case when p_stage is null then records.enough_of(s, step) else 1 end;
      if conditions = '' and p_order = 'RELEVANCE' then
        select array_agg(r.id), array_agg(r.created_at), array_agg(r.rank) into ids, times, ranks
        from (
          select r.id, r.created_at, case
              when s.stage <= 1 then records.tier_of(r.norm, r.catalog_norm, s.corrected)
              else records.tier_of(r.norm, r.catalog_norm, s.corrected) / 10 - 1000 * records.typos_of(r.document, s.exact, s.one, s.two, s.missing)
            end as rank
          from records.records r where r.user_id = p_user and r.document operator(extensions.@~) s.found limit total_max + 1) r;
        counted := coalesce(cardinality(ids), 0);
        if step = 1 and counted < enough then fewer := s; end if;
        continue when counted < enough;
        return query
        select least(counted, total_max), counted > total_max, s.stage, page.rank::text, v.*
        from (
          select r.id, r.rank, row_number() over (order by r.rank desc, r.created_at desc, r.id desc) as place
          from unnest(ids, times, ranks) r(id, created_at, rank)
          where p_after_id is null or (r.rank, r.created_at, r.id) < (p_after_key::integer, p_after_created_at, p_after_id)
          order by r.rank desc, r.created_at desc, r.id desc limit p_limit offset p_offset) page
        join records.readable v on v.user_id = p_user and v.id = page.id
        order by page.place;
        if not found then
          return query select least(counted, total_max), counted > total_max, s.stage, null::text, v.*
            from (select) one left join records.readable v on false;
        end if;
        return;
      end if;
      return query execute format(
        'with r as materialized (
            select r.id, r.created_at, r.artist_norm, r.year, r.price, %6$s as rank
            from records.records r where r.user_id = $1 and r.document operator(extensions.@~) $13 %3$s limit %5$s + 1),
          page as (select r.id, (%1$s)::text as key, row_number() over (order by %2$s) as place from r where true %4$s order by %2$s limit $3 offset $4)
        select least(counted.total, %5$s), counted.total > %5$s, $14, page.key, v.*
        from (select count(*)::integer as total from r) counted
        left join (page join records.readable v on v.user_id = $1 and v.id = page.id) on true
        where counted.total >= $15
        order by page.place', key, ordering, conditions, beginning, total_max,
        case when p_order <> 'RELEVANCE' then '0' when s.stage <= 1 then 'records.tier_of(r.norm, r.catalog_norm, $8)'
          else 'records.tier_of(r.norm, r.catalog_norm, $8) / 10 - 1000 * records.typos_of(r.document, $9, $10, $11, $12)' end)
        using p_user, p_filters, p_limit, p_offset, p_after_key, p_after_created_at, p_after_id,
          s.corrected, s.exact, s.one, s.two, s.missing, s.found, s.stage, enough;
      if found then
        return;
      end if;
      if step = 1 then fewer := s; end if;
    end loop;
  end loop;
  return query select 0, false, 0, null::text, v.* from (select) one left join records.readable v on false;
end $$;
grant execute on function records.list_records to record_app;

-- What a query finds: the stage that list_records answers. The caller is known already.
create or replace function records.found_by(p_user uuid, p_query text, p_filters jsonb) returns tsquery
language plpgsql as $$
declare
  query constant text := records.normal_form(p_query);
  conditions constant text := records.conditions_of(p_filters);
  answer record;
  near records.near[];
  s records.sought;
  fewer records.sought;
  enough integer;
  counted integer;
begin
  for step in 0..2 loop
    answer := records.sought_by(p_user, query, step, near);
    near := answer.p_near;
    foreach s in array case when fewer.stage is null then answer.stages else answer.stages[:2] || fewer || answer.stages[3:] end loop
      continue when s.stage = 2 and numnode(answer.stages[2].found) < 200;
      enough := records.enough_of(s, step);
      execute format('select count(*) from (select from records.records r where r.user_id = $1 and r.document operator(extensions.@~) $3 %s limit $4) r',
        conditions) into counted using p_user, p_filters, s.found, enough;
      if counted >= enough then
        return s.found;
      end if;
      if step = 1 then fewer := s; end if;
    end loop;
  end loop;
  return null;
end $$;

-- Prices of what a query and filters find, as before. The rows are read once, and what is counted and sorted afterwards is different prices,
-- of which there are few.
create or replace function records.price_stats(p_user uuid, p_session uuid, p_query text, p_filters jsonb)
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
    prices as (select r.currency, r.price, count(*) as n from %2$s group by r.currency, r.price),
    priced as (
      select p.currency, p.price, p.n, (sum(p.n) over (partition by p.currency order by p.price))::bigint as place,
        (sum(p.n) over (partition by p.currency))::bigint as total
      from prices p where p.price is not null),
    stats as (
      select p.currency, p.total::integer as n, min(p.price),
        round((min(p.price) filter (where p.place >= (p.total + 1) / 2) + min(p.price) filter (where p.place >= p.total / 2 + 1)) / 2, 2),
        round(sum(p.price * p.n) / p.total, 2), min(p.price) filter (where p.place >= (p.total * 9 + 9) / 10), max(p.price), sum(p.price * p.n)
      from priced p group by p.currency, p.total
      union all
      select null, sum(p.n)::integer, null, null, null, null, null, null from prices p where p.price is null having count(*) > 0)
    select s.*, b.above from stats s cross join bounded b order by s.sum is null, s.n desc, s.currency', preamble, source)
  using p_user, p_filters, case when records.normal_form(p_query) <> '' then records.found_by(p_user, p_query, p_filters) end;
end $$;
