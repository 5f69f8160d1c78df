import postgres from 'postgres';
import type { DataSet } from '../../db/seed/accounts.ts';
import type { Store } from './store.ts';

/**
 * Brings tables with their indexes into PostgreSQL's memory (pg_prewarm), the last ones last, as they are in a server that has run for a while. A
 * bench of some seconds on a server that was just started would measure the disk.
 * @param tables patterns of names with their schema, as LIKE has them
 */
export async function warm(store: Store, set: DataSet, tables: readonly string[]): Promise<void> {
  const sql = postgres(store.url(set, 'postgres'), { max: 1, fetch_types: false, onnotice: () => {} });
  try {
    await sql`create extension if not exists pg_prewarm schema extensions`;
    for (const pattern of tables)
      await sql`
        select sum(extensions.pg_prewarm(part.oid))
        from pg_catalog.pg_class c
        cross join lateral (select c.oid union all select i.indexrelid from pg_catalog.pg_index i where i.indrelid = c.oid) part
        where c.relkind in ('r', 'm') and c.oid::regclass::text like ${pattern}`;
  } finally {
    await sql.end({ timeout: 5 });
  }
}
