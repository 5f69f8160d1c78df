-- A record that is written alone costs a fifth less: its words aren't noted any more, but found by its time when they are needed. docs/storage.md
-- holds what was measured.

-- Up to when the words of an account's records are among records.words. Without a row: of none. Those that are younger are learnt by the search that
-- needs them (records.learn); an import learns its own, and says so with each of its records.
create table records.learnt (
  user_id uuid primary key,
  up_to timestamptz(3) not null
);
-- From the partitions, which have no policy: records.records shows nothing to its owner. What is written before this transaction ends is noted as before.
insert into records.learnt (user_id, up_to)
select distinct r.user_id, now()
from (
  select user_id from records.records_0 union all select user_id from records.records_1 union all
  select user_id from records.records_2 union all select user_id from records.records_3 union all
  select user_id from records.records_4 union all select user_id from records.records_5 union all
  select user_id from records.records_6 union all select user_id from records.records_7) r;

alter table records.learnt enable row level security;
alter table records.learnt force row level security;
create policy of_the_caller on records.learnt
  using (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid));
grant select, insert, update (up_to) on records.learnt to record_app;

alter table records.records add column words_learnt boolean not null default false;

-- Adds those words of documents that an account hasn't. In the order of the words: two transactions that add the same ones wait for each other
-- instead of locking each other out. For the same reason a transaction does this once.
create function records.add_words(p_user uuid, p_documents tsvector[]) returns void
language plpgsql as $$
declare
  batch constant text[] := (
    select array_agg(distinct substr(lexeme, 7)) from unnest(p_documents) d(document) cross join unnest(tsvector_to_array(d.document)) lexeme);
begin
  insert into records.words (user_id, word)
  select p_user, fresh.word
  from (select unnest(batch) as word except select w.word from records.words w where w.user_id = p_user and w.word = any (batch)) fresh
  order by fresh.word
  on conflict do nothing;
end $$;

-- Learns the words of records that were changed since (noted by learn_words), of those that are new, and of p_documents. A transaction that began within
-- the last half minute may not have ended yet (record_app's end after 20 seconds), so records of that time stay to be looked at again. As many at once as
-- a search can wait for; what is left is for the next. Of two at once the second waits for the words of the first; what is rolled back leaves its notes.
--
-- p_documents: of an import's batch, null for a search. Batches follow each other, and only one in half a minute looks for what else there is.
create function records.learn_with(p_user uuid, p_documents tsvector[]) returns void
language plpgsql as $$
declare
  records_max constant integer := 10000;
  settled constant timestamptz := now() - interval '30 seconds';
  known constant timestamptz := (select l.up_to from records.learnt l where l.user_id = p_user);
  -- A plain value: under row-level security an index doesn't begin at COALESCE.
  since constant timestamptz := coalesce(known, '-infinity');
  documents tsvector[];
  last timestamptz;
begin
  if p_documents is not null and since > settled - interval '30 seconds' then
    perform records.add_words(p_user, p_documents);
    return;
  end if;
  select array_agg(r.document), max(r.created_at) into documents, last
  from (
    select r.document, r.created_at from records.records r
    where r.user_id = p_user and r.created_at > since and not r.words_learnt
    order by r.created_at fetch first (records_max) rows with ties) r;
  last := case when cardinality(documents) >= records_max then least(last, settled) else settled end;
  if exists (select from records.to_learn n where n.user_id = p_user) then
    with noted as (delete from records.to_learn n where n.user_id = p_user returning n.id)
    select documents || array_agg(r.document) into documents
    from (select distinct n.id from noted n) n
    -- A look-up for each, whatever the planner thinks of the account's size.
    cross join lateral (select r.document from records.records r where r.user_id = p_user and r.id = n.id offset 0) r;
  end if;
  if cardinality(documents || p_documents) > 0 then
    perform records.add_words(p_user, documents || p_documents);
  end if;
  if known is null
    or exists (select from records.records r where r.user_id = p_user and r.created_at > since and r.created_at <= last) then
    insert into records.learnt as l (user_id, up_to) values (p_user, last)
    on conflict (user_id) do update set up_to = greatest(l.up_to, excluded.up_to);
  end if;
end $$;
grant execute on function records.add_words, records.learn_with to record_app;

create or replace function records.learn(p_user uuid) returns void
language plpgsql as $$
begin
  perform records.learn_with(p_user, null);
end $$;

-- Of what was changed. Whoever changes rows of a partition by its own name goes past this trigger.
create or replace function records.learn_words() returns trigger
language plpgsql as $$
declare
  author uuid;
  documents tsvector[];
begin
  if (select count(*) from (select from changed limit 2) c) = 1 then
    insert into records.to_learn (user_id, id) select c.user_id, c.id from changed c;
    return null;
  end if;
  for author, documents in select c.user_id, array_agg(c.document) from changed c group by c.user_id order by c.user_id loop
    perform records.add_words(author, documents);
  end loop;
  return null;
end $$;
-- contract: 0.1.0 doesn't ask for it
drop trigger learn_words_of_new on records.records;

-- As before, but the words of its records are learnt here, where a trigger did it.
create or replace function records.import_records(p_user uuid, p_session uuid, p_rows jsonb) returns integer
language plpgsql as $$
declare
  created integer;
  documents tsvector[];
begin
  perform auth.begin_call(p_user, p_session);
  -- Two imports of one account at once would not see each other's rows, and store what both hold twice.
  perform pg_advisory_xact_lock(hashtextextended('records.import_records', hashtextextended(p_user::text, 0)));
  with added as (
    insert into records.records (
      id, user_id, artist, name, aliases, format, label, label_code, catalog_number,
      given_grade, media_grade, sleeve_grade, insert_grade, booklet_grade, obi_strip_grade, factory_sleeve_grade,
      has_insert, has_booklet, has_obi_strip, has_factory_sleeve, is_promo, notes, purchased_at, price, currency,
      release_date, release_year, pressing_year, media, discogs_release_id, collection_folder, rating, added_at, import_key,
      revision, words_learnt)
    select
      c.id, p_user, c.artist, c.name, coalesce(c.aliases, '[]'), c.format, c.label, c.label_code, c.catalog_number,
      c.given_grade, c.media_grade, c.sleeve_grade, c.insert_grade, c.booklet_grade, c.obi_strip_grade, c.factory_sleeve_grade,
      c.has_insert, c.has_booklet, c.has_obi_strip, c.has_factory_sleeve, c.is_promo, c.notes, c.purchased_at, c.price, c.currency,
      c.release_date, c.release_year, c.pressing_year, coalesce(c.media, '[]'), c.discogs_release_id, c.collection_folder, c.rating, c.added_at, c.import_key,
      coalesce(c.revision, 1), true
    from jsonb_populate_recordset(null::records.records, p_rows) c
    -- A look-up for each row, whatever the planner thinks of the account's size.
    left join lateral (
      select true as is_there from records.records r
      where c.revision is null and r.user_id = p_user and r.import_key = c.import_key
      limit 1) before on true
    where before.is_there is null
    on conflict (user_id, id) do nothing
    returning document)
  select count(*), array_agg(a.document) into created, documents from added a;
  if created > 0 then
    perform records.learn_with(p_user, documents);
  end if;
  return created;
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
-- Where it corrects typos it first learns the words of the account's new records, so it is not STABLE.
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
