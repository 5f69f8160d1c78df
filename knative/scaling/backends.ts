import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import type { Kubectl } from '../../scripts/deploy/kubectl.ts';

const dataNamespace = 'record-platform-data';
const sampleEveryMs = 50;

/** What PostgreSQL held while somebody looked. */
export interface Backends {
  readonly samples: number;
  /** The longest time between two looks, in ms: what was shorter may not have been seen. */
  readonly longestGapMs: number;
  /** The most at once, of all roles together and of each. */
  readonly most: number;
  readonly mostOf: Readonly<Record<string, number>>;
  /** Seconds since the beginning, and how many there were: each change. */
  readonly points: readonly (readonly [at: number, backends: number])[];
}

/**
 * Counts the functions' connections in pg_stat_activity, many times a second, by a connection of its own past PgBouncer.
 * @returns what ends it and tells
 */
export async function watchBackends(kubectl: Kubectl): Promise<() => Promise<Backends>> {
  const pod = await kubectl.get('pod', 'postgres-0', dataNamespace);
  const secret = await kubectl.get('secret', 'postgres-superuser', dataNamespace);
  const password = Buffer.from(secret?.data.password, 'base64').toString();
  const sql = postgres({ host: pod?.status.podIP, port: 5432, user: 'postgres', database: 'postgres', password, max: 1 });
  const count = () => sql<{ role: string; backends: number }[]>`
    select usename as role, count(*)::int as backends
    from pg_catalog.pg_stat_activity
    where backend_type = 'client backend' and datname = 'record_platform' and pid <> pg_catalog.pg_backend_pid()
    group by usename`;
  await count();
  const began = performance.now();
  const mostOf: Record<string, number> = {};
  const points: [number, number][] = [];
  let most = 0;
  let samples = 0;
  let longestGapMs = 0;
  let looked = began;
  let over = false;
  const looking = (async () => {
    while (!over) {
      const roles = await count();
      const now = performance.now();
      longestGapMs = Math.max(longestGapMs, Math.round(now - looked));
      looked = now;
      samples += 1;
      const all = roles.reduce((sum, { backends }) => sum + backends, 0);
      most = Math.max(most, all);
      for (const { role, backends } of roles) mostOf[role] = Math.max(mostOf[role] ?? 0, backends);
      if (points.at(-1)?.[1] !== all) points.push([Math.round(now - began) / 1000, all]);
      await sleep(sampleEveryMs);
    }
  })();
  return async () => {
    over = true;
    await looking.finally(() => sql.end());
    return { samples, longestGapMs, most, mostOf, points };
  };
}
