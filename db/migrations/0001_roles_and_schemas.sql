-- The two domains. Roles and extensions are db/bootstrap.sql, since only a superuser can make them.

-- By default PostgreSQL lets everyone execute a new function. Here nobody may until it is granted.
alter default privileges revoke execute on functions from public;

create schema auth;
create schema records;

grant usage on schema auth to auth_app;
grant usage on schema records to record_app;
-- records functions begin each call with auth.begin_call; they may name the schema, and execute what is granted to them in it.
grant usage on schema auth to record_app;

comment on schema auth is 'Accounts, sessions and keys. auth_app works here through functions only.';
comment on schema records is 'The records that each account owns, under row-level security.';
