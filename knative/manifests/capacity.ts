import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlatformFunction } from './read-functions.ts';

/** A rollout runs two revisions of each function, and two PgBouncers, at once. */
const revisionsAtOnce = 2;
const pgbouncersAtOnce = 2;
/** Of PostgreSQL's connections: for migrations, backups, psql and monitoring. */
const reservedConnections = 10;

/** What decides whether everybody finds a place at the database. All are connections. */
export interface Capacity {
  /** PgBouncer's */
  readonly max_client_conn: number;
  readonly default_pool_size: number;
  readonly reserve_pool_size: number;
  readonly max_db_connections: number;
  /** PostgreSQL's */
  readonly max_connections: number;
}

/** Reads db/pgbouncer/pgbouncer.ini and db/postgres/postgresql.conf. @throws Error where one of the numbers isn't there */
export function readCapacity(root: string): Capacity {
  const numbers = (path: string, ...names: (keyof Capacity)[]) => {
    const text = readFileSync(join(root, path), 'utf8');
    return names.map((name): [string, number] => {
      const found = new RegExp(`^${name} = (\\d+)$`, 'm').exec(text)?.[1];
      if (found === undefined) throw new Error(`${path} says nothing of ${name}: write "${name} = <number>"`);
      return [name, Number(found)];
    });
  };
  return Object.fromEntries([
    ...numbers('db/pgbouncer/pgbouncer.ini', 'max_client_conn', 'default_pool_size', 'reserve_pool_size', 'max_db_connections'),
    ...numbers('db/postgres/postgresql.conf', 'max_connections'),
  ]) as unknown as Capacity;
}

/**
 * Asserts that all functions at their largest find a place in PgBouncer, and all of PgBouncer's pools one in PostgreSQL, also in the
 * middle of a rollout.
 * @throws Error with the sum and the repair
 */
export function assertCapacity(functions: readonly Pick<PlatformFunction, 'name' | 'package' | 'limits'>[], capacity: Capacity): void {
  const { max_client_conn, default_pool_size, reserve_pool_size, max_db_connections, max_connections } = capacity;
  const clients = revisionsAtOnce * functions.reduce((sum, { limits }) => sum + limits.scaleMax * limits.poolMax, 0);
  if (clients > max_client_conn) {
    const [largest] = [...functions].sort((a, b) => b.limits.scaleMax * b.limits.poolMax - a.limits.scaleMax * a.limits.poolMax);
    throw new Error(
      `${revisionsAtOnce} × Σ(scaleMax × poolMax) is ${clients}, and PgBouncer takes ${max_client_conn} (max_client_conn in db/pgbouncer/pgbouncer.ini). ` +
        `Lower scaleMax or poolMax in a function.ts (the largest is ${largest?.name}), or raise max_client_conn.`,
    );
  }
  // One database, and one role for each package.
  const roles = new Set(functions.map((each) => each.package)).size;
  const pools = Math.min(roles * (default_pool_size + reserve_pool_size), max_db_connections);
  const places = max_connections - reservedConnections;
  if (pgbouncersAtOnce * pools > places)
    throw new Error(
      `${pgbouncersAtOnce} PgBouncers, as in a rollout, open up to ${pgbouncersAtOnce * pools} connections, and PostgreSQL has ${places} beside the ` +
        `${reservedConnections} in reserve. Lower default_pool_size, reserve_pool_size or max_db_connections in db/pgbouncer/pgbouncer.ini, or ` +
        'raise max_connections in db/postgres/postgresql.conf.',
    );
}
