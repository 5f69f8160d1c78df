-- Accounts, their sessions, and the keys that sign access tokens.
--
-- auth_app has no right on these tables, but for reading the caller's own account under row-level security. What must run before there
-- is a caller (login, refresh, the session check …) is one SECURITY DEFINER function each, with a fixed search_path: it sees the rows
-- that it is asked about, and nothing can be asked in another way.
--
-- Times are the database's own (now()): functions run in many instances whose clocks differ, and the 5 seconds of a refresh token
-- must not depend on which of them it meets. Tests move the stored times instead of the clock.

create table auth.accounts (
  id uuid primary key,
  -- As it was given; compared by its normal form (functions/auth/email.ts).
  email text not null check (char_length(email) between 3 and 254),
  email_key text not null unique check (char_length(email_key) between 3 and 254),
  password_hash text not null check (password_hash like '$2_$__$%' and char_length(password_hash) = 60),
  disabled_at timestamptz(3),
  created_at timestamptz(3) not null default now()
);

-- One login. It lives until its refresh tokens expire, or until it is ended.
create table auth.sessions (
  id uuid primary key,
  user_id uuid not null references auth.accounts on delete cascade,
  created_at timestamptz(3) not null default now(),
  -- When the newest refresh token expires. Access tokens live for minutes and expire by themselves.
  expires_at timestamptz(3) not null,
  ended_at timestamptz(3),
  ended_by text check (ended_by in ('LOGOUT', 'REUSE', 'DISABLED')),
  check ((ended_at is null) = (ended_by is null))
);
create index sessions_of_account on auth.sessions (user_id);

-- The chain of refresh tokens of a session, by their SHA-256. The newest has no used_at.
create table auth.refresh_tokens (
  hash bytea primary key check (octet_length(hash) = 32),
  session_id uuid not null references auth.sessions on delete cascade,
  created_at timestamptz(3) not null default now(),
  used_at timestamptz(3)
);
create index refresh_tokens_of_session on auth.refresh_tokens (session_id, used_at);

-- The private part is encrypted under a key that only auth functions hold: a copy of the database signs nothing.
create table auth.signing_keys (
  kid text primary key,
  alg text not null check (alg in ('ES256', 'EdDSA')),
  public_jwk jsonb not null check (not public_jwk ? 'd'),
  private_jwe text not null,
  created_at timestamptz(3) not null default now(),
  -- Published from the start, used for signing from here on.
  active_from timestamptz(3) not null,
  -- Not published any more, and what it signed refused; null for the newest.
  retire_at timestamptz(3),
  check (retire_at >= active_from)
);

alter table auth.accounts enable row level security;
alter table auth.accounts force row level security;
alter table auth.sessions enable row level security;
alter table auth.sessions force row level security;
alter table auth.refresh_tokens enable row level security;
alter table auth.refresh_tokens force row level security;

-- Nobody logs in as record_owner: it is who the functions below run as, each with its own where clause.
create policy of_the_functions on auth.accounts to record_owner using (true) with check (true);
create policy of_the_functions on auth.sessions to record_owner using (true) with check (true);
create policy of_the_functions on auth.refresh_tokens to record_owner using (true) with check (true);

create policy of_the_caller on auth.accounts for select to auth_app
  using (id = (select nullif(current_setting('app.user_id', true), '')::uuid));
grant select (id, email, created_at) on auth.accounts to auth_app;

-- Every session of an account that gets disabled ends, so that the session check need not look at the account.
create function auth.end_sessions_of_disabled() returns trigger
language plpgsql set search_path = '' as $$
begin
  update auth.sessions set ended_at = now(), ended_by = 'DISABLED' where user_id = new.id and ended_at is null;
  return null;
end $$;
create trigger disabled after update of disabled_at on auth.accounts
  for each row when (new.disabled_at is not null) execute function auth.end_sessions_of_disabled();

-- First statement of every operation with a caller: is the session live? Then rows of this user, and only these, are seen in this transaction.
-- One index probe in one statement of plpgsql, whose plan is kept: 18 to 28 us here with 100,000 sessions, where the same in SQL, planned at
-- each call, takes 150 to 240. The fixed search_path costs less than can be measured.
create function auth.begin_call(p_user uuid, p_session uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform set_config('app.user_id', p_user::text, true)
    from auth.sessions where id = p_session and user_id = p_user and ended_at is null;
  if not found then
    raise exception using errcode = 'RP000', message = 'SESSION_ENDED';
  end if;
end $$;

-- The public keys of all tokens that may be good now, and of the next key before its first use.
create function auth.verification_keys() returns table (jwk jsonb)
language sql stable security definer set search_path = '' as $$
  select public_jwk from auth.signing_keys where retire_at is null or retire_at > now() order by active_from, kid;
$$;

-- The key to sign with.
create function auth.signing_key() returns table (kid text, alg text, private_jwe text)
language sql stable security definer set search_path = '' as $$
  select kid, alg, private_jwe from auth.signing_keys
  where active_from <= now() and (retire_at is null or retire_at > now())
  order by active_from desc, kid desc limit 1;
$$;

create function auth.find_login(p_email_key text)
returns table (id uuid, email text, created_at timestamptz, password_hash text, disabled boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
  return query select a.id, a.email, a.created_at::timestamptz, a.password_hash, a.disabled_at is not null
    from auth.accounts a where a.email_key = p_email_key;
end $$;

-- A session with its first refresh token, for an account whose password was just verified.
create function auth.open_session(p_user uuid, p_session uuid, p_refresh_hash bytea) returns void
language plpgsql security definer set search_path = '' as $$
begin
  -- The lock makes whoever disables the account at this moment wait, and then end this session too.
  perform from auth.accounts where id = p_user and disabled_at is null for share;
  if not found then
    raise exception using errcode = 'RP000', message = 'INVALID_CREDENTIALS';
  end if;
  delete from auth.sessions where id in (
    select id from auth.sessions where user_id = p_user and expires_at < now() for update skip locked);
  insert into auth.sessions (id, user_id, expires_at) values (p_session, p_user, now() + interval '30 days');
  insert into auth.refresh_tokens (hash, session_id) values (p_refresh_hash, p_session);
end $$;

-- The same password, hashed anew at a higher cost; nothing where it was changed meanwhile.
create function auth.rehash(p_user uuid, p_old_hash text, p_new_hash text) returns void
language sql security definer set search_path = '' as $$
  update auth.accounts set password_hash = p_new_hash where id = p_user and password_hash = p_old_hash;
$$;

-- An account with its first session.
create function auth.register(p_user uuid, p_email text, p_email_key text, p_password_hash text, p_session uuid, p_refresh_hash bytea)
returns timestamptz
language plpgsql security definer set search_path = '' as $$
declare
  created timestamptz;
begin
  insert into auth.accounts (id, email, email_key, password_hash) values (p_user, p_email, p_email_key, p_password_hash)
    on conflict (email_key) do nothing returning created_at into created;
  if not found then
    raise exception using errcode = 'RP000', message = 'EMAIL_TAKEN';
  end if;
  insert into auth.sessions (id, user_id, expires_at) values (p_session, p_user, now() + interval '30 days');
  insert into auth.refresh_tokens (hash, session_id) values (p_refresh_hash, p_session);
  return created;
end $$;

-- Exchanges a refresh token for its child. The outcome is a value and no exception, because an exception would undo the end of the session:
--   ROTATED  the child is good, also for a second use within 5 seconds (two tabs, or an answer that was lost)
--   REUSED   the token was used before by somebody: the session has ended
--   INVALID  unknown, expired, or of an ended session
create function auth.rotate_refresh(p_parent_hash bytea, p_child_hash bytea) returns table (outcome text, user_id uuid, session_id uuid)
language plpgsql security definer set search_path = '' as $$
declare
  used timestamptz;
  live boolean;
begin
  -- Two uses at once take turns at this row: the second sees the first one's used_at.
  select t.session_id, t.used_at, s.user_id, s.ended_at is null and s.expires_at > now()
    into session_id, used, user_id, live
    from auth.refresh_tokens t join auth.sessions s on s.id = t.session_id
    where t.hash = p_parent_hash for update of t;
  if not found or not live then
    outcome := 'INVALID';
  elsif used is null then
    update auth.refresh_tokens set used_at = now() where hash = p_parent_hash;
    insert into auth.refresh_tokens (hash, session_id) values (p_child_hash, rotate_refresh.session_id);
    update auth.sessions s set expires_at = now() + interval '30 days' where s.id = rotate_refresh.session_id;
    delete from auth.refresh_tokens t where t.session_id = rotate_refresh.session_id and t.used_at < now() - interval '30 days';
    outcome := 'ROTATED';
  elsif used > now() - interval '5 seconds' then
    outcome := 'ROTATED';
  else
    update auth.sessions s set ended_at = now(), ended_by = 'REUSE' where s.id = rotate_refresh.session_id and s.ended_at is null;
    outcome := 'REUSED';
  end if;
  return next;
end $$;

-- Ends the session of a refresh token, whether or not the token was used. An unknown one ends nothing.
create function auth.logout(p_refresh_hash bytea) returns void
language plpgsql security definer set search_path = '' as $$
begin
  update auth.sessions set ended_at = now(), ended_by = 'LOGOUT'
    where id = (select session_id from auth.refresh_tokens where hash = p_refresh_hash) and ended_at is null;
end $$;

-- The account of a live session; no row where it has ended.
create function auth.validate(p_user uuid, p_session uuid) returns table (id uuid, email text, created_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
  return query select a.id, a.email, a.created_at::timestamptz
    from auth.sessions s join auth.accounts a on a.id = s.user_id
    where s.id = p_session and s.user_id = p_user and s.ended_at is null;
end $$;

-- The caller's account, as the caller sees it.
create function auth.get_me(p_user uuid, p_session uuid) returns table (id uuid, email text, created_at timestamptz)
language plpgsql security invoker set search_path = '' as $$
begin
  perform auth.begin_call(p_user, p_session);
  return query select a.id, a.email, a.created_at::timestamptz from auth.accounts a where a.id = p_user;
end $$;

-- Whether accounts can log in here: without a signing key they can't.
create function auth.health() returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from auth.signing_key());
$$;

grant execute on function auth.begin_call, auth.verification_keys to auth_app, record_app;
grant execute on function auth.signing_key, auth.find_login, auth.open_session, auth.rehash, auth.register, auth.rotate_refresh, auth.logout,
  auth.validate, auth.get_me, auth.health to auth_app;
