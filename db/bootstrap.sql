-- What only a superuser can do: the roles of the cluster, and this database's extensions and doors.
-- Safe to repeat, and repeated before each migration by scripts/db/bootstrap.ts, which also sets the passwords:
-- none is ever written in SQL. Everything else is a numbered migration and runs as record_owner.

do $$
declare
  wanted text;
begin
  foreach wanted in array array['record_owner', 'record_migrator', 'auth_app', 'record_app'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
      begin
        execute format('create role %I', wanted);
      exception when duplicate_object or unique_violation then
        null; -- another bootstrap on the same cluster was faster
      end;
    end if;
  end loop;
end $$;

-- Owns every object, and nobody can log in as it.
alter role record_owner nologin nosuperuser nocreatedb nocreaterole noreplication nobypassrls;
-- Logs in, and becomes record_owner only by `set role`.
alter role record_migrator login nosuperuser nocreatedb nocreaterole noreplication nobypassrls connection limit 5;
grant record_owner to record_migrator with inherit false, set true;
-- The functions. Their connections come from PgBouncer: its pools must fit into these limits.
alter role auth_app login nosuperuser nocreatedb nocreaterole noreplication nobypassrls connection limit 40;
alter role record_app login nosuperuser nocreatedb nocreaterole noreplication nobypassrls connection limit 80;

do $$
declare
  app text;
begin
  foreach app in array array['auth_app', 'record_app'] loop
    -- A name without its schema fails at once, in the tests, and can't be captured by another schema.
    execute format('alter role %I set search_path = %L', app, '');
    -- Times leave as UTC, whatever the server's own zone.
    execute format('alter role %I set timezone = %L', app, 'UTC');
    -- The last line of defence behind the caller's own deadline, which cancels the statement.
    execute format('alter role %I set statement_timeout = %L', app, '15s');
    execute format('alter role %I set transaction_timeout = %L', app, '20s');
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', app, '5s');
    execute format('alter role %I set lock_timeout = %L', app, '5s');
    -- Compiling costs more than any statement here runs.
    execute format('alter role %I set jit = %L', app, 'off');
    -- Each statement finds its partition when it runs. Planned anew at each call, which PostgreSQL would prefer on a partitioned table, a
    -- read takes twice as long.
    execute format('alter role %I set plan_cache_mode = %L', app, 'force_generic_plan');
  end loop;
  execute format('alter role record_migrator set search_path = %L', '');

  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to record_migrator, auth_app, record_app', current_database());
  execute format('grant create, temporary on database %I to record_owner', current_database());
end $$;

revoke all on schema public from public;

-- Their functions and operators are reached by their schema: extensions.unaccent(…), operator(extensions.%).
create schema if not exists extensions;
grant usage on schema extensions to record_owner, auth_app, record_app;
create extension if not exists pg_trgm schema extensions;
create extension if not exists unaccent schema extensions;
create extension if not exists btree_gin schema extensions;
create extension if not exists btree_gist schema extensions;
create extension if not exists fuzzystrmatch schema extensions;

-- Full-text search inside an index in spite of row-level security. PostgreSQL lets no operator see a row before the policy has passed it,
-- unless the operator's function is LEAKPROOF, which only a superuser can say. This one is: ts_match_vq (behind @@) answers yes or no, and
-- the only error it can raise is about the depth of the query, which is the caller's own, never about a row. The operator and its
-- class are PostgreSQL's own under a name of ours; nothing in pg_catalog is touched.
do $$
begin
  if to_regoperator('extensions.@~(tsvector,tsquery)') is null then
    create function extensions.matches(tsvector, tsquery) returns boolean
      language internal immutable strict parallel safe leakproof as 'ts_match_vq';
    revoke all on function extensions.matches from public;
    grant execute on function extensions.matches to record_owner, record_app;
    create operator extensions.@~ (
      leftarg = tsvector, rightarg = tsquery, function = extensions.matches, restrict = tsmatchsel, join = tsmatchjoinsel);
    create operator class extensions.tsvector_ops for type tsvector using gin as
      operator 1 extensions.@~ (tsvector, tsquery),
      function 1 pg_catalog.gin_cmp_tslexeme(text, text),
      function 2 pg_catalog.gin_extract_tsvector(tsvector, internal, internal),
      function 3 pg_catalog.gin_extract_tsquery(tsvector, internal, smallint, internal, internal, internal, internal),
      function 4 pg_catalog.gin_tsquery_consistent(internal, smallint, tsvector, integer, internal, internal, internal, internal),
      function 5 pg_catalog.gin_cmp_prefix(text, text, smallint, internal),
      function 6 pg_catalog.gin_tsquery_triconsistent(internal, smallint, tsvector, integer, internal, internal, internal),
      storage text;
  end if;
end $$;
-- Estimated as if a document were unique, so that the plan is made for this index and never for reading an account from end to end:
-- a generic plan knows neither the account nor the words.
alter operator extensions.@~ (tsvector, tsquery) set (restrict = eqsel, join = eqjoinsel);

-- Which migrations have run: kept by scripts/db/migrate.ts.
create schema if not exists platform authorization record_owner;
