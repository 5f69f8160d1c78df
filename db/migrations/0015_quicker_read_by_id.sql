-- A read by id takes less of the processor. docs/storage.md holds what was measured.

-- The sessions of whoever a transaction says that it is, as long as they are open: what a statement asks that checks the session itself. Who says it
-- is somebody else sees that account's sessions in here, as they would see its records: app.user_id is what both go by, and nobody's are listed
-- without it.
create view auth.sessions_of_caller as
select id from auth.sessions where user_id = nullif(current_setting('app.user_id', true), '')::uuid and ended_at is null;
grant select on auth.sessions_of_caller to record_app;

-- In place of an answer. Volatile, so that no planner finds out what it answers.
create function auth.session_ended() returns boolean
language plpgsql volatile as $$
begin
  raise exception using errcode = 'RP000', message = 'SESSION_ENDED';
end $$;
grant execute on function auth.session_ended to record_app;

-- Takes the place of get_record, which stays for calls of the release before: one statement that PostgreSQL plans as part of the caller's, where a
-- function in PL/pgSQL runs two and copies the row three times. No row where there is no such record.
--
-- What the CASE holds is asked once, before the table is: it depends on no row. If a planner ever asked the policy first, the policy would know no
-- caller and pass no row; functions/records/storage.test.ts would see it.
create function records.read_record(p_user uuid, p_session uuid, p_id uuid) returns setof records.readable
language sql stable rows 1
begin atomic
  select r.*
  from records.readable r
  where (
      select case when set_config('app.user_id', p_user::text, true) is not null
        then coalesce((select true from auth.sessions_of_caller s where s.id = p_session), auth.session_ended()) end)
    and r.user_id = p_user and r.id = p_id;
end;
grant execute on function records.read_record to record_app;
