-- A search with typos and an import take less of the processor. docs/storage.md holds what was measured.

-- Whether a word is away from p_term by two letters that have changed places and another typo. Few words have so many letters in common with it, and
-- only these are compared with each of p_swaps.
create function records.is_swap_and_typo(p_word text, p_term text, p_swaps text[], p_distance integer) returns boolean
language plpgsql immutable parallel safe as $$
begin
  if char_length(translate(p_word, p_term, '')) > 1 or char_length(translate(p_term, p_word, '')) > 1 then
    return false;
  end if;
  return exists (
    select from unnest(p_swaps) swap where extensions.levenshtein_less_equal(swap, p_word, 1) <= 1
      or p_distance = 4 and extensions.levenshtein_less_equal(swap, p_word, 2) = 2 and p_word = any (records.swaps_of(swap)));
end $$;
grant execute on function records.is_swap_and_typo to record_app;

-- As before, but a word of letters stands for words of letters alone; one with a digit or a sign for any.
create or replace function records.with_words_near(p_user uuid, p_near records.near) returns records.near
language plpgsql stable as $$
declare
  tag constant text := records.tag_of(p_user);
  term constant text := p_near.word;
  n constant integer := char_length(term);
  edits_max constant integer := case when n <= 3 then 1 else 2 end;
  kinds constant boolean[] := case when term ~ '[^[:alpha:]]' collate pg_catalog.pg_c_utf8 then array[false, true] else array[false] end;
  kind boolean;
  ones text; twos text; nearest text;
  swaps text[] := '{}';
  parts_1 text[] := '{}'; parts_2 text[] := '{}'; parts_3 text[] := '{}';
begin
  p_near.looked := true;
  if n not between 3 and 40 then
    return p_near;
  end if;
  for i in 1..n - 1 loop
    swaps := swaps || (left(term, i - 1) || substr(term, i + 1, 1) || substr(term, i, 1) || substr(term, i + 2));
  end loop;
  -- A word of len letters has parts of len / 3, (len + 1) / 3 and (len + 2) / 3; before each stands chr(64 + len).
  for len in greatest(3, n - edits_max)..least(40, n + edits_max) loop
    parts_1 := parts_1 || (chr(64 + len) || left(term, len / 3));
    for place in 1 + len / 3 + greatest(-1, n - len - 1)..1 + len / 3 + least(1, n - len + 1) loop
      parts_2 := parts_2 || (chr(64 + len) || substr(term, place, (len + 1) / 3));
    end loop;
    parts_3 := parts_3 || (chr(64 + len) || right(term, (len + 2) / 3));
    if edits_max = 2 and abs(n - len) <= 1 then
      -- Where the swap isn't in that part, the part is among them already.
      for i in 1..least(len / 3, n - 1) loop
        parts_1 := parts_1 || (chr(64 + len) || left(swaps[i], len / 3));
      end loop;
      for i in greatest(1, n - (len + 2) / 3)..n - 1 loop
        parts_3 := parts_3 || (chr(64 + len) || right(swaps[i], (len + 2) / 3));
      end loop;
    end if;
  end loop;
  foreach kind in array kinds loop
    select string_agg(records.lexeme(tag, l.word, false), '|') filter (where l.edits <= 1),
      string_agg(records.lexeme(tag, l.word, false), '|') filter (where l.edits = 2),
      (array_agg(l.word))[1]
    into ones, twos, nearest
    from (
      select c.word, c.edits from (
        select w.word, case
            when w.distance <= 1 then w.distance
            when w.distance = 2 and w.word = any (swaps) then 1
            when edits_max = 1 then null
            when w.distance = 2 then 2
            when abs(char_length(w.word) - n) <= 1 and records.is_swap_and_typo(w.word, term, swaps, w.distance) then 2
          end as edits
        from (
          select v.word, extensions.levenshtein_less_equal(term, v.word, 4) as distance
          from records.words v
          where v.user_id = p_user and v.mixed = kind and (v.part_1 = any (parts_1) or v.part_2 = any (parts_2) or v.part_3 = any (parts_3))
          offset 0) w
        where w.distance <= 4
        offset 0) c
      where c.edits is not null
      order by c.edits, c.word
      limit 100) l;
    p_near.ones := coalesce(p_near.ones || '|' || ones, p_near.ones, ones);
    p_near.twos := coalesce(p_near.twos || '|' || twos, p_near.twos, twos);
    p_near.nearest := coalesce(p_near.nearest, nearest);
  end loop;
  return p_near;
end $$;

-- For calls of the release before, whose own way goes through indexes that are no more.
create or replace function records.near_words(p_user uuid, p_word text) returns table (word text, edits integer)
language plpgsql stable rows 20 as $$
declare
  near constant records.near := records.with_words_near(p_user, row(p_word, false, false, false, null, null, null, null));
begin
  return query
  select substr(l.lexeme, 7), k.edits
  from (values (near.ones, 1), (near.twos, 2)) k(lexemes, edits)
  cross join unnest(tsvector_to_array(replace(k.lexemes, '''|''', ''' ''')::tsvector)) l(lexeme);
end $$;

-- How good a match is, as before, but for p_one and p_two that are null: what has more typos then has one, or two. The operator is PostgreSQL's
-- own, since looking up the function of the other one takes longer than it runs.
create or replace function records.typos_of(p_document tsvector, p_exact tsquery[], p_one tsquery[], p_two tsquery[], p_missing integer[]) returns integer
language plpgsql immutable parallel safe as $$
declare
  sum integer := 0;
begin
  for i in 1..cardinality(p_exact) loop
    if not p_document @@ p_exact[i] then
      sum := sum + case
        when p_one is null or p_document @@ p_one[i] then 1
        when p_two is null or p_document @@ p_two[i] then 2
        else p_missing[i] end;
    end if;
  end loop;
  return sum;
end $$;

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
create or replace function records.sought_by(p_user uuid, p_query text, p_step integer, inout p_near records.near[], out stages records.sought[])
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

  if p_step = 1 and exists (select from records.to_learn n where n.user_id = p_user) then
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
  -- What matches these two has in each word no more typos than they allow, so the most of them need not be looked for again (typos_of).
  stages := array[
    row(2, array_to_string(loose_1, '&')::tsquery, s.corrected, s.exact, null, null, s.missing)::records.sought,
    row(3, array_to_string(loose_2, '&')::tsquery, s.corrected, s.exact, s.one, null, s.missing)::records.sought];
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

-- As before, but an account's words that are among those of many records are read at once, and not looked up one after another.
create or replace function records.learn_words() returns trigger
language plpgsql set search_path = '' as $$
declare
  author uuid;
  batch text[];
begin
  if (select count(*) from (select from changed limit 2) c) = 1 then
    insert into records.to_learn (user_id, id) select c.user_id, c.id from changed c returning user_id into author;
    if (select count(*) from (select from records.to_learn n where n.user_id = author limit 50) n) = 50 then
      perform records.learn(author);
    end if;
    return null;
  end if;
  for author, batch in
    select l.user_id, array_agg(l.word order by l.word)
    from (
      select distinct r.user_id, substr(lexeme, 7) as word
      from changed r cross join unnest(tsvector_to_array(r.document)) lexeme) l
    group by l.user_id
    order by l.user_id
  loop
    insert into records.words (user_id, word)
    select author, fresh.word
    from (select unnest(batch) as word except select w.word from records.words w where w.user_id = author and w.word = any (batch)) fresh
    order by fresh.word
    on conflict do nothing;
  end loop;
  return null;
end $$;
