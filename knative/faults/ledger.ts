import postgres from 'postgres';
import { dataNamespace } from '../../scripts/deploy/secrets.ts';
import type { TestCluster } from '../manifests/testing/cluster.ts';

/** What clients were told, held against what the database has. */
export interface Ledger {
  readonly writes: number;
  readonly acknowledged: number;
  readonly stored: number;
  /** Acknowledged, and not there under the id that was given. */
  readonly lost: number;
  /** There more than once. */
  readonly doubled: number;
}

/** @param writes the records' names, which are theirs alone, and the ids that were acknowledged */
export async function ledger(cluster: TestCluster, writes: readonly { readonly name: string; readonly id?: string }[]): Promise<Ledger> {
  const sql = await superuser(cluster);
  try {
    const names = writes.map(({ name }) => name);
    const rows = await sql<{ name: string; times: number; id: string }[]>`
      select name, count(*)::int as times, min(id::text) as id from records.records where name = any(${names}) group by name`;
    const stored = new Map(rows.map(({ name, id }) => [name, id]));
    const acknowledged = writes.filter(({ id }) => id !== undefined);
    return {
      writes: writes.length,
      acknowledged: acknowledged.length,
      stored: stored.size,
      lost: acknowledged.filter(({ name, id }) => stored.get(name) !== id).length,
      doubled: rows.filter(({ times }) => times > 1).length,
    };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** PostgreSQL itself, by its pod's address, which this machine reaches: row-level security hides nothing from its superuser. */
async function superuser({ kubectl }: TestCluster): Promise<postgres.Sql> {
  const pod = await kubectl.get('pod', 'postgres-0', dataNamespace);
  const secret = await kubectl.get('secret', 'postgres-superuser', dataNamespace);
  return postgres({
    host: pod?.status.podIP,
    port: 5432,
    user: 'postgres',
    password: Buffer.from(secret?.data.password ?? '', 'base64').toString(),
    database: 'record_platform',
    max: 1,
    onnotice: () => {},
  });
}
