-- What `npm run bench -- db` adds to each of its databases, after the seed: tables to hold ours against, and lists of calls to make.
-- Runs as the superuser, once; the result is kept with the data.

-- The superuser's reads, which ours are held against, are planned as ours are.
do $$
begin
  execute format('alter role %I in database %I set plan_cache_mode = force_generic_plan', session_user, current_database());
end $$;

create schema bench;
grant usage on schema bench to record_app;

-- A session for each account, so that calls can be made for it.
insert into auth.sessions (id, user_id, expires_at)
select gen_random_uuid(), id, now() + interval '1000 days' from auth.accounts;

-- Calls in random order: n runs without gaps, so that a client takes one by its number.
create table bench.calls (n integer primary key, user_id uuid not null, session_id uuid not null, record_id uuid not null);
select setseed(0.42);
insert into bench.calls
select row_number() over (order by random()), r.user_id, s.id, r.id
from records.records r join auth.sessions s on s.user_id = r.user_id
order by 1
limit 200000;

-- The same keys, twelve to a row: a client reads them with one statement and then makes twelve calls, so that what is measured is the calls.
do $$
begin
  execute format('create table bench.batches as select (n - 1) / 12 + 1 as n, %s from bench.calls group by 1 having count(*) = 12', (
    select string_agg(format(
      '(array_agg(user_id order by n))[%1$s] as u%1$s, (array_agg(session_id order by n))[%1$s] as s%1$s, (array_agg(record_id order by n))[%1$s] as r%1$s', i), ', ')
    from generate_series(1, 12) i));
end $$;
alter table bench.batches add primary key (n);

-- Searches, made by scripts/bench/db/queries.ts.
create table bench.queries (
  n integer primary key, user_id uuid not null, session_id uuid not null,
  -- As somebody types it, and without the typos.
  query text not null, meant text not null,
  edits integer not null, record_id uuid not null);
create table bench.prefixes (n integer primary key, user_id uuid not null, session_id uuid not null, field text not null, prefix text not null, count integer not null);

-- The same rows without partitions.
create table bench.plain as select * from records.records;
alter table bench.plain add primary key (user_id, id);
alter table bench.plain owner to record_owner;
alter table bench.plain enable row level security;
alter table bench.plain force row level security;
create policy of_the_caller on bench.plain using (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid));
grant select on bench.plain to record_app;
create view bench.plain_readable with (security_invoker = true) as
select
  id, user_id, artist, name, aliases, format, label, label_code, catalog_number,
  record_grade, sleeve_grade, insert_grade, booklet_grade, obi_strip_grade, factory_sleeve_grade,
  has_insert, has_booklet, has_obi_strip, has_factory_sleeve, is_promo, notes,
  purchased_at, price, currency,
  release_date, release_year, pressing_year, media,
  discogs_release_id, collection_folder, rating, added_at, import_key,
  revision, created_at, updated_at
from bench.plain;
grant select on bench.plain_readable to record_app;

-- records.read_record, word for word, on the plain table.
create function bench.read_plain(p_user uuid, p_session uuid, p_id uuid) returns setof bench.plain_readable
language sql stable rows 1
begin atomic
  select r.*
  from bench.plain_readable r
  where (
      select case when set_config('app.user_id', p_user::text, true) is not null
        then coalesce((select true from auth.sessions_of_caller s where s.id = p_session), auth.session_ended()) end)
    and r.user_id = p_user and r.id = p_id;
end;

-- What people write first: every record is looked at.
create function bench.search_by_ilike(p_user uuid, p_session uuid, p_query text) returns table (total bigint, record records.readable)
language plpgsql set search_path = '' as $$
begin
  perform auth.begin_call(p_user, p_session);
  return query
  select count(*) over (), r from records.readable r
  where r.user_id = p_user
    and (r.artist ilike '%' || p_query || '%' or r.name ilike '%' || p_query || '%'
      or r.label ilike '%' || p_query || '%' or r.catalog_number ilike '%' || p_query || '%')
  order by r.created_at desc, r.id desc
  limit 50;
end $$;

-- Rows to insert, and a table with nothing on it to insert them into.
create table bench.rows as
select c.n, c.session_id, r.*
from bench.calls c join records.records r on r.user_id = c.user_id and r.id = c.record_id
where c.n <= 50000;
alter table bench.rows add primary key (n);
create table bench.bare as table records.records with no data;

-- Ids in the order of time, as the functions make them.
create function bench.uuidv7() returns uuid
language sql volatile as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid;
$$;

-- One statement, with two destinations: the columns that the API stores. A row becomes the record of another row's account, so that it brings
-- words that the account hasn't seen yet, as a new record does.
do $$
declare
  columns text := (
    select string_agg(quote_ident(attname), ', ' order by attnum) from pg_catalog.pg_attribute
    where attrelid = 'records.records'::regclass and attnum > 0 and not attisdropped and attgenerated = ''
      and attname not in ('id', 'revision', 'created_at', 'updated_at', 'words_learnt'));
begin
  execute format($f$
    create function bench.insert_record(p_row bigint, p_account bigint) returns void
    language plpgsql set search_path = '' set plan_cache_mode = 'force_generic_plan' as $b$
    declare
      r bench.rows;
    begin
      select * into r from bench.rows where n = p_row;
      select user_id, session_id into r.user_id, r.session_id from bench.rows where n = p_account;
      perform auth.begin_call(r.user_id, r.session_id);
      insert into records.records (id, %1$s) select bench.uuidv7(), %2$s;
    end $b$;
    create function bench.insert_bare(p_row bigint, p_account bigint) returns void
    language plpgsql set search_path = '' set plan_cache_mode = 'force_generic_plan' as $b$
    declare
      r bench.rows;
    begin
      select * into r from bench.rows where n = p_row;
      select user_id, session_id into r.user_id, r.session_id from bench.rows where n = p_account;
      insert into bench.bare (id, revision, created_at, updated_at, words_learnt, %1$s) select bench.uuidv7(), 1, now(), now(), false, %2$s;
    end $b$;
    create function bench.create_record(p_row bigint, p_account bigint) returns records.readable
    language plpgsql set search_path = '' as $b$
    declare
      r bench.rows;
    begin
      select * into r from bench.rows where n = p_row;
      select user_id, session_id into r.user_id, r.session_id from bench.rows where n = p_account;
      return records.create_record(r.user_id, r.session_id, bench.uuidv7(), to_jsonb(r), null, null);
    end $b$
    $f$, columns, (select string_agg('r.' || name, ', ') from unnest(string_to_array(columns, ', ')) name));
end $$;

grant select on all tables in schema bench to record_app;
grant insert on bench.bare to record_app;
grant execute on all functions in schema bench to record_app;
