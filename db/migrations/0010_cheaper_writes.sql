-- A single record costs less when it is written, and nothing answers otherwise than before. docs/storage.md holds what was measured, and what lost.

-- PL/pgSQL prepares each of its expressions anew in each transaction, and a loop over a query is a statement of its own. So functions that a
-- generated column calls for every record are one expression where names are plain, and do the rest elsewhere.

-- As before, the long way: compatibility forms and accents folded, lower case, single spaces.
create function records.normal_form_of_any(p_text text) returns text
language plpgsql immutable strict parallel safe as $$
begin
  return btrim(regexp_replace(
    lower(extensions.unaccent('extensions.unaccent'::regdictionary, regexp_replace(normalize(p_text, nfkc), '[\u0300-\u036f]', '', 'g')) collate pg_catalog.pg_c_utf8),
    '\s+', ' ', 'g'));
end $$;

-- Most names are ASCII with single spaces, where there is nothing to fold but case. That a text has as many characters as bytes is the quickest
-- way to tell.
create or replace function records.normal_form(p_text text) returns text
language plpgsql immutable strict parallel safe as $$
begin
  return case
    when octet_length(p_text) <> char_length(p_text) then records.normal_form_of_any(p_text)
    when strpos(translate(p_text, E'\t\n\r\f\x0b', '     '), '  ') = 0
      then btrim(lower(translate(p_text, E'\t\n\r\f\x0b', '     ') collate pg_catalog.pg_c_utf8))
    else btrim(regexp_replace(lower(translate(p_text, E'\t\n\r\f\x0b', '     ') collate pg_catalog.pg_c_utf8), '  +', ' ', 'g'))
  end;
end $$;

-- Each on a line of its own.
create function records.aliases_in_normal_form(p_aliases jsonb) returns text
language plpgsql immutable strict parallel safe as $$
begin
  return (select string_agg(records.normal_form(a.alias) || E'\n', '' order by a.place)
    from jsonb_array_elements_text(p_aliases) with ordinality a(alias, place));
end $$;

create or replace function records.names_in_normal_form(p_artist text, p_name text, p_aliases jsonb) returns text
language plpgsql immutable parallel safe as $$
begin
  return concat(E'\n', records.normal_form(p_artist), E'\n', records.normal_form(p_name), E'\n',
    case when p_aliases <> '[]' then records.aliases_in_normal_form(p_aliases) end);
end $$;

create or replace function records.document_of(p_user uuid, p_artist text, p_name text, p_label text, p_catalog_number text, p_aliases jsonb)
returns tsvector
language plpgsql immutable parallel safe as $$
declare
  tag text := right(p_user::text, 6);
  words text := records.normal_form(concat_ws(' ', p_artist, p_name, p_label));
  number text;
begin
  if p_aliases <> '[]' then
    words := words || ' ' || translate(records.aliases_in_normal_form(p_aliases), E'\n', ' ');
  end if;
  if words ~ '[^a-z0-9 ]' then
    words := concat_ws(' ', words,
      regexp_replace(words collate pg_catalog.pg_c_utf8, '[^[:alnum:]]+', ' ', 'g'),
      regexp_replace(words collate pg_catalog.pg_c_utf8, '[^[:alnum:] ]+', '', 'g'));
    -- A lexeme has at most 2,046 bytes.
    if octet_length(words) > 255 then
      words := (select string_agg(left(word, 255), ' ') from string_to_table(words, ' ') word);
    end if;
  end if;
  if p_catalog_number is not null then
    number := regexp_replace(records.short_form(p_catalog_number) collate pg_catalog.pg_c_utf8, '[^[:alnum:]]+', ' ', 'g');
    words := concat_ws(' ', words, number, replace(number, ' ', ''));
  end if;
  return array_to_tsvector(array_remove(string_to_array(tag || replace(words, ' ', ' ' || tag), ' '), tag));
end $$;
grant execute on function records.normal_form_of_any, records.aliases_in_normal_form to record_app;

-- Records whose words are not in records.words yet. A new record brings some words that its account has not seen, and each goes into six places that
-- lie apart from those of every other. So a record that is written alone is only noted here, and the words of those noted are learnt together:
-- by whoever corrects typos next, or by the one that notes the fiftieth. Many records in one statement are learnt at once, as before.
create table records.to_learn (
  user_id uuid not null,
  id uuid not null
);
-- Not unique: a record that was changed twice may be noted twice.
create index to_learn_of on records.to_learn (user_id);

alter table records.to_learn enable row level security;
alter table records.to_learn force row level security;
create policy of_the_caller on records.to_learn
  using (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid));
grant select, insert, delete on records.to_learn to record_app;

-- Learns what an account has noted. Of two at once the second waits for the first one's notes, and then sees its words; what is rolled back leaves
-- its notes. In the order of the words: two transactions that add the same ones wait for each other instead of locking each other out. For the
-- same reason a transaction learns once.
create function records.learn(p_user uuid) returns void
language plpgsql set search_path = '' as $$
begin
  if not exists (select from records.to_learn n where n.user_id = p_user) then
    return;
  end if;
  with noted as (delete from records.to_learn n where n.user_id = p_user returning n.id)
  insert into records.words (user_id, word)
  select p_user, l.word
  from (
    select distinct substr(lexeme, 7) as word
    from (select distinct n.id from noted n) n
    -- A look-up for each, whatever the planner thinks of the account's size.
    cross join lateral (select r.document from records.records r where r.user_id = p_user and r.id = n.id offset 0) r
    cross join unnest(tsvector_to_array(r.document)) lexeme) l
  where (select true from records.words w where w.user_id = p_user and w.word = l.word) is null
  order by l.word
  on conflict do nothing;
end $$;
grant execute on function records.learn to record_app;

-- Whoever copies rows into a partition by its own name goes past this trigger, and adds their words as scripts/db/seed/fill.ts does.
create or replace function records.learn_words() returns trigger
language plpgsql set search_path = '' as $$
declare
  author uuid;
begin
  if (select count(*) from (select from changed limit 2) c) = 1 then
    insert into records.to_learn (user_id, id) select c.user_id, c.id from changed c returning user_id into author;
    if (select count(*) from (select from records.to_learn n where n.user_id = author limit 50) n) = 50 then
      perform records.learn(author);
    end if;
    return null;
  end if;
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

-- As before, but what the account has noted is learnt before its words are looked at: so a search writes now and then, and neither this
-- function nor what calls it is STABLE. The stages that follow, and further pages, go by the words that the first one saw.
create or replace function records.stages_of(p_user uuid, p_query text, p_step integer) returns setof records.sought
language plpgsql rows 6 set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
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

  if p_step = 1 then
    perform records.learn(p_user);
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

-- unseen: it writes now, and says so; who may call it and what it answers stay
alter function records.found_by volatile;
