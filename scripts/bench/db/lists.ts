import postgres from 'postgres';

/** The numbers of a list of calls that have not been used yet: none is made twice in a run of the bench. */
export class Numbers {
  readonly #name: string;
  readonly #count: number;
  #next = 0;

  constructor(name: string, count: number) {
    this.#name = name;
    this.#count = count;
  }

  /** Where the next calls begin. */
  get base(): number {
    return this.#next;
  }

  /**
   * Counts calls as made. Clients go at their own pace, so that some numbers in between stay unused.
   * @param used how many calls were made by all clients, each of which may have been some ahead of the others
   * @throws Error where there were not so many: the last calls asked for nothing
   */
  use(used: number): void {
    this.#next += Math.ceil(used * 1.25) + 1000;
    if (this.#next > this.#count) throw new Error(`The list of ${this.#name} has ${this.#count} entries, and that was not enough.`);
  }
}

/** How long the lists of a data set are, and how far one has come in them. */
export async function listsOf(url: string) {
  const sql = postgres(url, { max: 1, fetch_types: false });
  const [row] = await sql<{ calls: number; batches: number; queries: number; prefixes: number; rows: number }[]>`
    select (select max(n) from bench.calls)::int as calls, (select max(n) from bench.batches)::int as batches,
      (select max(n) from bench.queries)::int as queries, (select max(n) from bench.prefixes)::int as prefixes,
      (select max(n) from bench.rows)::int as rows`;
  await sql.end({ timeout: 5 });
  if (row === undefined) throw new Error('The lists of calls are empty.');
  return {
    batches: row.batches,
    calls: new Numbers('calls', row.calls),
    queries: new Numbers('queries', row.queries),
    prefixes: new Numbers('prefixes', row.prefixes),
    rows: row.rows,
  };
}

export type Lists = Awaited<ReturnType<typeof listsOf>>;
