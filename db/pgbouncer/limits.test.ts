import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AnyFunction, defaultLimits } from '../../functions/runtime/define-function.ts';
import { findFunctions } from '../../scripts/build/functions.ts';

const root = join(import.meta.dirname, '../..');

/** "name = 12" lines of a configuration file. */
const numbersOf = (path: string): Record<string, number> =>
  Object.fromEntries(
    [...readFileSync(join(root, path), 'utf8').matchAll(/^(\w+) = (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]),
  );
const bouncer = numbersOf('db/pgbouncer/pgbouncer.ini');
const server = numbersOf('db/postgres/postgresql.conf');
/** The roles that functions log in as. */
const roles = 2;

test('every function at its largest, twice because a rollout runs two revisions, finds a place in PgBouncer', async () => {
  const limits = await Promise.all(
    findFunctions(root).map(async ({ path }) => ({
      ...defaultLimits,
      ...((await import(join(root, path))).default as AnyFunction).limits,
    })),
  );
  assert.ok(limits.length > 10);
  const connections = 2 * limits.reduce((sum, { scaleMax, poolMax }) => sum + scaleMax * poolMax, 0);
  assert.ok(connections <= (bouncer.max_client_conn ?? 0), `${connections} connections, max_client_conn is ${bouncer.max_client_conn}`);
});

test('PgBouncer’s pools leave PostgreSQL 10 connections for migrations, backups and monitoring', () => {
  const { default_pool_size = 0, reserve_pool_size = 0, max_db_connections = 0 } = bouncer;
  const { max_connections = 0 } = server;
  assert.ok(default_pool_size > 0 && max_db_connections > 0);
  assert.ok(roles * (default_pool_size + reserve_pool_size) <= max_connections - 10);
  assert.ok(max_db_connections <= max_connections - 10);
});

test('the shortest patience is the caller’s: a wait for a connection ends before a function’s own budget', () => {
  const { query_wait_timeout = Infinity, query_timeout = 0 } = bouncer;
  assert.ok(query_wait_timeout < defaultLimits.timeoutSeconds);
  assert.ok(query_timeout > defaultLimits.timeoutSeconds);
});
