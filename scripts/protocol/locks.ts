import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import type { TestDatabase } from '../../functions/testing/database.ts';

/** All statements that touch the tables of a database wait, from `lockTables` until `release`. */
export interface Locked {
  /** Statements that wait now. */
  waiting(): Promise<number>;
  /** Resolves when that many wait. @throws Error where it takes longer than 10 s */
  until(count: number, what: string): Promise<void>;
  release(): Promise<void>;
}

/** Stops the time for the functions of one database, so that requests stay in flight as long as a test wants them to. */
export async function lockTables(database: TestDatabase): Promise<Locked> {
  const sql = postgres(database.direct.superuserUrl, { max: 2, fetch_types: false, onnotice: () => {} });
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_catalog.pg_tables where schemaname in ('auth', 'records')`;
  const holder = await sql.reserve();
  await holder.unsafe(`begin; lock table ${tables.map(({ name }) => name).join(', ')} in access exclusive mode`);
  const waiting = async (): Promise<number> => {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::integer as count from pg_catalog.pg_stat_activity
      where datname = ${database.name} and state = 'active' and wait_event_type = 'Lock'`;
    return row?.count ?? 0;
  };
  return {
    waiting,
    async until(count, what) {
      const startedAt = performance.now();
      for (let seen = await waiting(); seen !== count; seen = await waiting()) {
        if (performance.now() - startedAt > 10_000) throw new Error(`${seen} statements wait instead of ${count}: ${what}`);
        await sleep(20);
      }
    },
    async release() {
      await holder.unsafe('rollback');
      holder.release();
      await sql.end({ timeout: 1 });
    },
  };
}
