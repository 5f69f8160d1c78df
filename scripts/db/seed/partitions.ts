import type postgres from 'postgres';

/** A table that rows of records.records are in: a partition, or the table itself where it has none. */
export interface Partition {
  /** Schema and name, quoted as SQL needs them. */
  readonly name: string;
  /** Which of the accounts it holds. */
  readonly accounts: ReadonlySet<string>;
}

/**
 * Where the rows of each account are. Rows are copied into partitions by their own names: COPY refuses a table with row-level security, which
 * is on records.records and not on its partitions; and it saves the way of each row through the partitioned table.
 * @param accounts ids
 * @throws Error where records.records is not hash-partitioned
 */
export async function partitionsOf(sql: postgres.ISql, accounts: readonly string[]): Promise<Partition[]> {
  const rows = await sql<{ name: string; accounts: string[] }[]>`
    select format('%I.%I', n.nspname, c.relname) as name, to_json(array(
      select a.id from unnest(${`{${accounts.join(',')}}`}::uuid[]) a(id)
      where satisfies_hash_partition(i.inhparent, bound.modulus::integer, bound.remainder::integer, a.id))) as accounts
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    cross join lateral (
      select m[1] as modulus, m[2] as remainder
      from regexp_matches(pg_get_expr(c.relpartbound, c.oid), 'modulus ([0-9]+), remainder ([0-9]+)') m) bound
    where i.inhparent = 'records.records'::regclass
    order by bound.remainder::integer`;
  const found = rows.map(({ name, accounts: ids }) => ({ name, accounts: new Set(ids) }));
  const placed = found.reduce((sum, { accounts: ids }) => sum + ids.size, 0);
  if (placed !== accounts.length)
    throw new Error(`${accounts.length - placed} accounts have no partition: is records.records partitioned by hash?`);
  return found;
}
