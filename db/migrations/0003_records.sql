-- The records that each account owns: one row a record, seen and changed by its owner alone.

-- From worst to best, so that min() is the worst and a sort by grade is a sort by worth.
create type records.grade as enum ('P', 'F', 'G-', 'G', 'G+', 'VG-', 'VG', 'VG+', 'EX-', 'EX', 'EX+', 'NM-', 'NM', 'M');
grant usage on type records.grade to record_app;

-- Names are matched by their normal form: compatibility forms and accents folded, lower case, single spaces. Nothing else is taken away.
-- IMMUTABLE, as a generated column demands: the dictionary is named, the case rules are PostgreSQL's own and not the system's.
-- Whoever changes unaccent's rules must rewrite the column.
create function records.normal_form(p_text text) returns text
language plpgsql immutable strict parallel safe as $$
begin
  return btrim(regexp_replace(
    lower(extensions.unaccent('extensions.unaccent'::regdictionary, regexp_replace(normalize(p_text, nfkc), '[\u0300-\u036f]', '', 'g')) collate pg_catalog.pg_c_utf8),
    '\s+', ' ', 'g'));
end $$;

-- All names of a record in normal form, each on a line of its own and between line feeds: a line that equals the query is an exact match,
-- one that begins with it a prefix.
create function records.names_in_normal_form(p_artist text, p_name text, p_aliases jsonb) returns text
language plpgsql immutable parallel safe as $$
declare
  norm text := E'\n' || records.normal_form(p_artist) || E'\n' || records.normal_form(p_name) || E'\n';
  alias text;
begin
  for alias in select jsonb_array_elements_text(p_aliases) loop
    norm := norm || records.normal_form(alias) || E'\n';
  end loop;
  return norm;
end $$;
grant execute on function records.normal_form, records.names_in_normal_form to record_app;

-- The CHECKs are the last wall; functions/records/record.ts says the same in words that a client understands.
create table records.records (
  id uuid not null,
  user_id uuid not null,
  artist text not null check (char_length(artist) between 1 and 256),
  name text not null check (char_length(name) between 1 and 256),
  aliases jsonb not null default '[]' check (jsonb_typeof(aliases) = 'array' and jsonb_array_length(aliases) <= 50),
  format text check (char_length(format) <= 256),
  label text check (char_length(label) <= 256),
  label_code text check (char_length(label_code) <= 256),
  catalog_number text check (char_length(catalog_number) <= 256),
  -- What the owner gave, and the worst that discs and sides say. The record's grade follows from both.
  given_grade records.grade,
  media_grade records.grade,
  record_grade records.grade generated always as (coalesce(media_grade, given_grade)) stored,
  sleeve_grade records.grade,
  insert_grade records.grade,
  booklet_grade records.grade,
  obi_strip_grade records.grade,
  factory_sleeve_grade records.grade,
  has_insert boolean,
  has_booklet boolean,
  has_obi_strip boolean,
  has_factory_sleeve boolean,
  is_promo boolean,
  notes text check (char_length(notes) <= 4096),
  purchased_at date check (purchased_at between '1860-01-01' and '2999-12-31'),
  price numeric(14, 2) check (price >= 0),
  currency text check (currency ~ '^[A-Z]{3}$'),
  release_date date check (release_date between '1860-01-01' and '2999-12-31'),
  release_year integer check (release_year between 1860 and 2999),
  pressing_year integer check (pressing_year between 1860 and 2999),
  -- proto3 JSON of records.Medium, in the order of their index.
  media jsonb not null default '[]' check (jsonb_typeof(media) = 'array' and jsonb_array_length(media) <= 20),
  discogs_release_id integer check (discogs_release_id >= 1),
  collection_folder text check (char_length(collection_folder) <= 256),
  rating integer check (rating between 0 and 5),
  added_at timestamptz(3) check (added_at between '1860-01-01T00:00:00Z' and '2999-12-31T23:59:59Z'),
  import_key text check (char_length(import_key) <= 256),
  -- The etag.
  revision bigint not null default 1,
  -- Milliseconds, so that a time survives JavaScript unchanged and a page token can hold it.
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  norm text collate "C" not null generated always as (records.names_in_normal_form(artist, name, aliases)) stored,
  primary key (user_id, id)
) partition by hash (user_id);

do $$
begin
  for remainder in 0..7 loop
    execute format('create table records.records_%s partition of records.records for values with (modulus 8, remainder %s)', remainder, remainder);
  end loop;
end $$;

-- Newest first, which is the order of a list without a query.
create index records_newest on records.records (user_id, created_at desc, id desc);

-- No trigram index: under row-level security LIKE and similarity are not leakproof, so they run after the policy and never in an index.
-- The caller is in every statement as well as in the policy: the partition is then known before the statement runs.
alter table records.records enable row level security;
alter table records.records force row level security;
create policy of_the_caller on records.records
  using (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid));

-- The answers of CreateRecord to requests that named themselves, for 24 hours.
create table records.idempotency (
  user_id uuid not null,
  key text not null check (char_length(key) between 1 and 128),
  -- SHA-256 of the record as it was parsed.
  request_hash bytea not null check (octet_length(request_hash) = 32),
  -- The row of records.readable as it was answered.
  response jsonb not null,
  created_at timestamptz(3) not null default now(),
  primary key (user_id, key)
);
create index idempotency_age on records.idempotency (user_id, created_at);

alter table records.idempotency enable row level security;
alter table records.idempotency force row level security;
create policy of_the_caller on records.idempotency
  using (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid));

-- A record as functions read it: without what only searching and computing need.
create view records.readable with (security_invoker = true) as
select
  id, user_id, artist, name, aliases, format, label, label_code, catalog_number,
  record_grade, sleeve_grade, insert_grade, booklet_grade, obi_strip_grade, factory_sleeve_grade,
  has_insert, has_booklet, has_obi_strip, has_factory_sleeve, is_promo, notes,
  purchased_at, price, currency,
  release_date, release_year, pressing_year, media,
  discogs_release_id, collection_folder, rating, added_at, import_key,
  revision, created_at, updated_at
from records.records;

-- One function for each operation. They run as the caller's role (SECURITY INVOKER), under the policies above; auth.begin_call says who the
-- caller is, and refuses where the session has ended. A generic plan prunes partitions when it runs: planning anew at each call, which
-- PostgreSQL would prefer on a partitioned table, takes twice the time of the statement.

create function records.get_record(p_user uuid, p_session uuid, p_id uuid) returns records.readable
language plpgsql set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  found_record records.readable;
begin
  perform auth.begin_call(p_user, p_session);
  select * into found_record from records.readable r where r.user_id = p_user and r.id = p_id;
  if not found then
    raise exception using errcode = 'RP000', message = 'NOT_FOUND';
  end if;
  return found_record;
end $$;

-- p_record holds the columns by name, as functions/records/record.ts makes them. With a key it is done once, however often it is asked.
create function records.create_record(p_user uuid, p_session uuid, p_id uuid, p_record jsonb, p_key text, p_request_hash bytea) returns records.readable
language plpgsql set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  answer records.readable;
  before records.idempotency;
begin
  perform auth.begin_call(p_user, p_session);
  if p_key is not null then
    -- Held until this transaction ends: whoever comes in between is told so at once, instead of waiting on the unique key.
    if not pg_try_advisory_xact_lock(hashtextextended(p_key, hashtextextended(p_user::text, 0))) then
      raise exception using errcode = 'RP000', message = 'REQUEST_IN_PROGRESS';
    end if;
    delete from records.idempotency i where i.user_id = p_user and i.created_at < now() - interval '24 hours';
    select * into before from records.idempotency i where i.user_id = p_user and i.key = p_key;
    if found then
      if before.request_hash <> p_request_hash then
        raise exception using errcode = 'RP000', message = 'IDEMPOTENCY_KEY_REUSED';
      end if;
      return jsonb_populate_record(null::records.readable, before.response);
    end if;
  end if;

  insert into records.records (
    id, user_id, artist, name, aliases, format, label, label_code, catalog_number,
    given_grade, media_grade, sleeve_grade, insert_grade, booklet_grade, obi_strip_grade, factory_sleeve_grade,
    has_insert, has_booklet, has_obi_strip, has_factory_sleeve, is_promo, notes, purchased_at, price, currency,
    release_date, release_year, pressing_year, media, discogs_release_id, collection_folder, rating, added_at, import_key)
  select
    p_id, p_user, c.artist, c.name, c.aliases, c.format, c.label, c.label_code, c.catalog_number,
    c.given_grade, c.media_grade, c.sleeve_grade, c.insert_grade, c.booklet_grade, c.obi_strip_grade, c.factory_sleeve_grade,
    c.has_insert, c.has_booklet, c.has_obi_strip, c.has_factory_sleeve, c.is_promo, c.notes, c.purchased_at, c.price, c.currency,
    c.release_date, c.release_year, c.pressing_year, c.media, c.discogs_release_id, c.collection_folder, c.rating, c.added_at, c.import_key
  from jsonb_populate_record(null::records.records, p_record) c;
  select * into answer from records.readable r where r.user_id = p_user and r.id = p_id;

  if p_key is not null then
    insert into records.idempotency (user_id, key, request_hash, response) values (p_user, p_key, p_request_hash, to_jsonb(answer));
  end if;
  return answer;
end $$;

-- p_changes holds the columns that change, null for the ones that are cleared. p_revisions: the etags that the caller accepts, null for any.
-- One statement reads and writes the row: of two changes at once, the later sees the earlier and keeps what it does not name.
create function records.update_record(p_user uuid, p_session uuid, p_id uuid, p_changes jsonb, p_revisions jsonb) returns records.readable
language plpgsql set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  answer records.readable;
begin
  perform auth.begin_call(p_user, p_session);
  if p_changes <> '{}' then
    update records.records r set (
      artist, name, aliases, format, label, label_code, catalog_number,
      given_grade, media_grade, sleeve_grade, insert_grade, booklet_grade, obi_strip_grade, factory_sleeve_grade,
      has_insert, has_booklet, has_obi_strip, has_factory_sleeve, is_promo, notes, purchased_at, price, currency,
      release_date, release_year, pressing_year, media, discogs_release_id, collection_folder, rating, added_at, import_key) = (
      select
        c.artist, c.name, c.aliases, c.format, c.label, c.label_code, c.catalog_number,
        c.given_grade, c.media_grade, c.sleeve_grade, c.insert_grade, c.booklet_grade, c.obi_strip_grade, c.factory_sleeve_grade,
        c.has_insert, c.has_booklet, c.has_obi_strip, c.has_factory_sleeve, c.is_promo, c.notes, c.purchased_at, c.price, c.currency,
        c.release_date, c.release_year, c.pressing_year, c.media, c.discogs_release_id, c.collection_folder, c.rating, c.added_at, c.import_key
      from jsonb_populate_record(r, p_changes) c),
      revision = r.revision + 1,
      updated_at = greatest(now(), r.updated_at)
    where r.user_id = p_user and r.id = p_id and (p_revisions is null or p_revisions @> to_jsonb(r.revision));
    if not found then
      perform from records.records r where r.user_id = p_user and r.id = p_id;
      raise exception using errcode = 'RP000', message = case when found then 'ETAG_MISMATCH' else 'NOT_FOUND' end;
    end if;
  end if;
  select * into answer from records.readable r where r.user_id = p_user and r.id = p_id;
  if not found then
    raise exception using errcode = 'RP000', message = 'NOT_FOUND';
  end if;
  if p_changes = '{}' and not p_revisions @> to_jsonb(answer.revision) then
    raise exception using errcode = 'RP000', message = 'ETAG_MISMATCH';
  end if;
  return answer;
end $$;

create function records.delete_record(p_user uuid, p_session uuid, p_id uuid, p_revisions jsonb) returns void
language plpgsql set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
begin
  perform auth.begin_call(p_user, p_session);
  delete from records.records r where r.user_id = p_user and r.id = p_id and (p_revisions is null or p_revisions @> to_jsonb(r.revision));
  if not found then
    perform from records.records r where r.user_id = p_user and r.id = p_id;
    raise exception using errcode = 'RP000', message = case when found then 'ETAG_MISMATCH' else 'NOT_FOUND' end;
  end if;
end $$;

-- A regular expression for a word in normal form that is at most one typo away: a letter wrong, left out, too many, or two swapped
-- (Damerau). A word with a typo begins where a word begins; short words, and very long ones, are taken as they are.
create function records.near_pattern(p_word text) returns text
language plpgsql immutable strict parallel safe as $$
declare
  letters text[] := array(select regexp_replace(letter, '[^[:alnum:]]', '\\\&') from unnest(string_to_array(p_word, null)) letter);
  n integer := cardinality(letters);
  exactly text := array_to_string(letters, '');
  variants text[];
begin
  if n not between 4 and 24 then
    return exactly;
  end if;
  for i in 1..n loop
    variants := variants || (array_to_string(letters[:i - 1], '') || '.?' || array_to_string(letters[i + 1:], ''));
    continue when i = n;
    variants := variants || (array_to_string(letters[:i], '') || '.' || array_to_string(letters[i + 1:], ''));
    variants := variants || (array_to_string(letters[:i - 1], '') || letters[i + 1] || letters[i] || array_to_string(letters[i + 2:], ''));
  end loop;
  return exactly || '|\s[[:punct:]]*(' || array_to_string(variants, '|') || ')';
end $$;
grant execute on function records.near_pattern to record_app;

-- One page of what matches, and how much matches altogether, in one answer: where the page is empty, one row with the total and no record.
--
-- A record matches when each word of the query is contained in its names (stage 0). Only where no record does, each word may hold a typo
-- (stage 1), and only where that finds nothing, likeness counts: of each word to a word of the names, or of the whole query to a part of
-- them (stage 2). So a typo finds its record, and a query without one is not followed by what merely looks like it. p_stage is null for
-- the first page, and what that one answered for the others: what is added in between doesn't turn the list into another.
--
-- rank: 5000 a name equals the query (or artist and name together do), 4000 one begins with it, 3000 it stands there in whole words,
-- 2000 its words are there; below, how alike they are in thousandths. Among equals the newest first.
-- The page begins after (p_after_rank, p_after_created_at, p_after_id) where they are given, and is stable while records are added.
create function records.search_records(
  p_user uuid, p_session uuid, p_query text, p_limit integer, p_offset integer,
  p_stage integer, p_after_rank integer, p_after_created_at timestamptz, p_after_id uuid)
returns table (total integer, stage integer, rank integer, record records.readable)
language plpgsql rows 50 set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  query text;
  words text[];
  patterns text[];
  near_patterns text[];
begin
  perform auth.begin_call(p_user, p_session);
  query := records.normal_form(p_query);

  if query = '' then
    -- Plain values, so that the index begins where the page does.
    p_after_created_at := coalesce(p_after_created_at, 'infinity');
    p_after_id := coalesce(p_after_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    return query
    with page as (
      select r.id, r.created_at from records.records r
      where r.user_id = p_user and (r.created_at, r.id) < (p_after_created_at, p_after_id)
      order by r.created_at desc, r.id desc
      limit p_limit offset p_offset)
    select counted.total, 0, 0, v
    from (select count(*)::integer as total from records.records r where r.user_id = p_user) counted
    left join (page join records.readable v on v.user_id = p_user and v.id = page.id) on true
    order by page.created_at desc, page.id desc;
    return;
  end if;

  words := string_to_array(query, ' ');
  -- What the client wrote is text and no pattern.
  select array_agg('%' || replace(replace(replace(word, '\', '\\'), '%', '\%'), '_', '\_') || '%') into patterns from unnest(words) word;
  if p_stage is distinct from 0 then
    select array_agg(records.near_pattern(word)) into near_patterns from unnest(words) word;
  end if;

  return query
  with exact as materialized (
    select r.id, r.created_at,
      case
        when strpos(r.norm, E'\n' || query || E'\n') > 0
          or starts_with(translate(r.norm, E'\n', ' '), ' ' || query) and substr(r.norm, char_length(query) + 2, 1) = E'\n' then 5000
        when strpos(r.norm, E'\n' || query) > 0 or starts_with(translate(r.norm, E'\n', ' '), ' ' || query) then 4000
        when strpos(translate(r.norm, E'\n', ' '), ' ' || query || ' ') > 0 then 3000
        else 2000
      end as rank
    from records.records r
    where coalesce(p_stage, 0) = 0 and r.user_id = p_user and r.norm like all (patterns)),
  near as materialized (
    select r.id, r.created_at, (extensions.word_similarity(query, r.norm) * 1000)::integer as rank
    from records.records r
    where (p_stage = 1 or p_stage is null and not exists (select from exact)) and r.user_id = p_user and r.norm ~ all (near_patterns)),
  alike as materialized (
    select r.id, r.created_at, (r.likeness * 1000)::integer as rank
    from (
      select r.id, r.created_at, r.norm, extensions.word_similarity(query, r.norm) as likeness
      from records.records r
      where (p_stage = 2 or p_stage is null and not exists (select from exact) and not exists (select from near)) and r.user_id = p_user
      offset 0) r -- so that likeness is computed once
    where r.likeness >= case cardinality(words) when 1 then 0.3 else 0.5 end
      or cardinality(words) > 1
        and not exists (select from unnest(words) word where strpos(r.norm, word) = 0 and extensions.word_similarity(word, r.norm) < 0.3)),
  matches as (
    select 0 as stage, * from exact union all select 1, * from near union all select 2, * from alike),
  page as (
    select m.id, m.created_at, m.rank from matches m
    where p_after_id is null or (m.rank, m.created_at, m.id) < (p_after_rank, p_after_created_at, p_after_id)
    order by m.rank desc, m.created_at desc, m.id desc
    limit p_limit offset p_offset)
  select counted.total, counted.stage, page.rank, v
  from (select count(*)::integer as total, coalesce(max(m.stage), 0) as stage from matches m) counted
  left join (page join records.readable v on v.user_id = p_user and v.id = page.id) on true
  order by page.rank desc, page.created_at desc, page.id desc;
end $$;

-- That this role can reach its table. The condition is never true: no row is read.
create function records.health() returns boolean
language plpgsql set search_path = '' as $$
begin
  perform from records.records r where false;
  return true;
end $$;

grant select, insert, delete on records.records to record_app;
-- Not id, user_id and created_at: nobody ever moves a record.
grant update (
  artist, name, aliases, format, label, label_code, catalog_number,
  given_grade, media_grade, sleeve_grade, insert_grade, booklet_grade, obi_strip_grade, factory_sleeve_grade,
  has_insert, has_booklet, has_obi_strip, has_factory_sleeve, is_promo, notes, purchased_at, price, currency,
  release_date, release_year, pressing_year, media, discogs_release_id, collection_folder, rating, added_at, import_key,
  revision, updated_at) on records.records to record_app;
grant select, insert, delete on records.idempotency to record_app;
grant select on records.readable to record_app;
grant usage on type records.readable to record_app;
grant execute on function
  records.get_record, records.create_record, records.update_record, records.delete_record, records.search_records,
  records.health
  to record_app;
