-- Bringing a collection in and taking it out.

-- A row of an import is found again by its key. Not unique: clients of CreateRecord may name any key, and name it twice.
-- locks: no release has this table yet, so no installation has rows to index.
create index records_import_key on records.records (user_id, import_key) where import_key is not null;

-- Stores what isn't there yet of a batch, in one transaction, and answers how many rows that was. p_rows: a list of objects with the columns by name,
-- as functions/records/import-records/import-row.ts makes them; what is left out is null. A row with a revision names its record by id,
-- any other is known by its import_key.
create function records.import_records(p_user uuid, p_session uuid, p_rows jsonb) returns integer
language plpgsql set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  created integer;
begin
  perform auth.begin_call(p_user, p_session);
  -- Two imports of one account at once would not see each other's rows, and store what both hold twice.
  perform pg_advisory_xact_lock(hashtextextended('records.import_records', hashtextextended(p_user::text, 0)));
  insert into records.records (
    id, user_id, artist, name, aliases, format, label, label_code, catalog_number,
    given_grade, media_grade, sleeve_grade, insert_grade, booklet_grade, obi_strip_grade, factory_sleeve_grade,
    has_insert, has_booklet, has_obi_strip, has_factory_sleeve, is_promo, notes, purchased_at, price, currency,
    release_date, release_year, pressing_year, media, discogs_release_id, collection_folder, rating, added_at, import_key,
    revision)
  select
    c.id, p_user, c.artist, c.name, coalesce(c.aliases, '[]'), c.format, c.label, c.label_code, c.catalog_number,
    c.given_grade, c.media_grade, c.sleeve_grade, c.insert_grade, c.booklet_grade, c.obi_strip_grade, c.factory_sleeve_grade,
    c.has_insert, c.has_booklet, c.has_obi_strip, c.has_factory_sleeve, c.is_promo, c.notes, c.purchased_at, c.price, c.currency,
    c.release_date, c.release_year, c.pressing_year, coalesce(c.media, '[]'), c.discogs_release_id, c.collection_folder, c.rating, c.added_at, c.import_key,
    coalesce(c.revision, 1)
  from jsonb_populate_recordset(null::records.records, p_rows) c
  -- A look-up for each row, whatever the planner thinks of the account's size.
  left join lateral (
    select true as is_there from records.records r
    where c.revision is null and r.user_id = p_user and r.import_key = c.import_key
    limit 1) before on true
  where before.is_there is null
  on conflict (user_id, id) do nothing;
  get diagnostics created = row_count;
  return created;
end $$;

-- A page of all records, the oldest first: those after (p_after_created_at, p_after_id), which are null for the first page.
create function records.export_records(
  p_user uuid, p_session uuid, p_after_created_at timestamptz, p_after_id uuid, p_limit integer)
returns setof records.readable
language plpgsql rows 500 set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
begin
  perform auth.begin_call(p_user, p_session);
  -- Plain values, so that the index begins where the page does.
  p_after_created_at := coalesce(p_after_created_at, '-infinity');
  p_after_id := coalesce(p_after_id, '00000000-0000-0000-0000-000000000000');
  return query
  select v.* from records.readable v
  where v.user_id = p_user and (v.created_at, v.id) > (p_after_created_at, p_after_id)
  order by v.created_at, v.id
  limit p_limit;
end $$;

grant execute on function records.import_records, records.export_records to record_app;
