-- Every write can be named by its client, so that it is done once however often it is sent: CreateRecord could from the start, now UpdateRecord and
-- DeleteRecord too. The functions without a key stay: they are what a write without a name calls, and what the release before calls.

-- What an earlier attempt of this name was answered, null where there was none. Until this transaction ends the name is taken: whoever comes in
-- between is told so at once.
create function records.earlier_answer(p_user uuid, p_key text, p_request_hash bytea) returns jsonb
language plpgsql set search_path = '' as $$
declare
  before records.idempotency;
begin
  if not pg_try_advisory_xact_lock(hashtextextended(p_key, hashtextextended(p_user::text, 0))) then
    raise exception using errcode = 'RP000', message = 'REQUEST_IN_PROGRESS';
  end if;
  delete from records.idempotency i where i.user_id = p_user and i.created_at < now() - interval '24 hours';
  select * into before from records.idempotency i where i.user_id = p_user and i.key = p_key;
  if found and before.request_hash <> p_request_hash then
    raise exception using errcode = 'RP000', message = 'IDEMPOTENCY_KEY_REUSED';
  end if;
  return before.response;
end $$;

create function records.update_record(
  p_user uuid, p_session uuid, p_id uuid, p_changes jsonb, p_revisions jsonb, p_key text, p_request_hash bytea)
returns records.readable
language plpgsql set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
declare
  answer records.readable;
  before jsonb;
begin
  perform auth.begin_call(p_user, p_session);
  before := records.earlier_answer(p_user, p_key, p_request_hash);
  if before is not null then
    return jsonb_populate_record(null::records.readable, before);
  end if;
  answer := records.update_record(p_user, p_session, p_id, p_changes, p_revisions);
  insert into records.idempotency (user_id, key, request_hash, response) values (p_user, p_key, p_request_hash, to_jsonb(answer));
  return answer;
end $$;

create function records.delete_record(p_user uuid, p_session uuid, p_id uuid, p_revisions jsonb, p_key text, p_request_hash bytea) returns void
language plpgsql set search_path = '' set plan_cache_mode = 'force_generic_plan' as $$
begin
  perform auth.begin_call(p_user, p_session);
  if records.earlier_answer(p_user, p_key, p_request_hash) is not null then
    return;
  end if;
  perform records.delete_record(p_user, p_session, p_id, p_revisions);
  insert into records.idempotency (user_id, key, request_hash, response) values (p_user, p_key, p_request_hash, '{}');
end $$;

grant execute on function
  records.earlier_answer,
  records.update_record(uuid, uuid, uuid, jsonb, jsonb, text, bytea),
  records.delete_record(uuid, uuid, uuid, jsonb, text, bytea)
  to record_app;
