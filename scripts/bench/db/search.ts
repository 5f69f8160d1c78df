import postgres from 'postgres';
import type { DataSet } from '../../db/seed/accounts.ts';
import { type Ratio, rounded } from '../ratios.ts';
import type { Lists } from './lists.ts';
import { Oracle } from './oracle.ts';
import { load, type Run } from './pgbench.ts';
import { inTurns, medianOf, type Rounds, ratioOf } from './point-read.ts';
import { autocomplete, firstPages, pointReads, readMix, searchAsMeant, searchByIlike, searchWithTypos } from './scripts.ts';
import type { Store } from './store.ts';

const mixClients = 16;
const smallClients = 16;
const heavyClients = 4;
/** What the platform was asked to reach, on a machine that wasn't named. */
const mixTarget = 28_000;

/** The mix of reads, and each kind of it alone: what limits it. */
export async function benchReadMix(store: Store, lists: Lists, options: Rounds): Promise<Record<string, Ratio>> {
  const url = store.url('skewed', 'record_app');
  const { seconds } = options;
  const one = async (script: string, list: Lists['calls']): Promise<Run> => {
    const run = await load({ url, script, clients: mixClients, seconds, variables: { base: list.base, turn: 0 } });
    list.use(run.calls);
    return run;
  };
  const raw = await inTurns(options, 'read_mix_tps', {
    mix: async () => {
      const variables = { batches: lists.batches, base: lists.calls.base, searches: lists.queries.base, turn: 0 };
      const run = await load({ url, script: readMix.script, clients: mixClients, seconds, calls: readMix.calls, variables });
      lists.calls.use(run.calls);
      lists.queries.use((run.calls * readMix.searches) / readMix.calls);
      return run;
    },
    byId: () =>
      load({ url, script: pointReads.ours, clients: mixClients, seconds, calls: pointReads.calls, variables: { batches: lists.batches } }),
    pages: () => one(firstPages, lists.calls),
    searches: () => one(searchWithTypos, lists.queries),
  });
  const tps = rounded(medianOf(raw.mix), 0);
  // What each kind would take of the time, were it alone.
  const times = { byId: 0.6 / medianOf(raw.byId), pages: 0.25 / medianOf(raw.pages), searches: 0.15 / medianOf(raw.searches) };
  const share = (time: number): string => `${Math.round((100 * time) / (times.byId + times.pages + times.searches))} %`;
  return {
    read_mix_tps: {
      value: tps,
      unit: 'TPS',
      goal: `>=${mixTarget}`,
      peer: `60 % by id, 25 % first pages, 15 % searches with typos, ${mixClients} clients. Processors limit it: alone it would be ${Math.round(medianOf(raw.byId))} by id, ${Math.round(medianOf(raw.pages))} pages, ${Math.round(medianOf(raw.searches))} searches a second, so that searches take ${share(times.searches)} of the time, pages ${share(times.pages)}`,
      raw,
    },
  };
}

export async function benchSearch(store: Store, skewed: Lists, heaviest: Lists, options: Rounds): Promise<Record<string, Ratio>> {
  const { onProgress } = options;
  const one = async (
    set: DataSet,
    script: string,
    list: Lists['queries'],
    clients: number,
    more: { seconds?: number; each?: number },
    through?: 'pgbouncer',
  ): Promise<Run> => {
    const run = await load({
      url: store.url(set, 'record_app', through),
      script,
      clients,
      variables: { base: list.base, turn: 0 },
      ...more,
    });
    list.use(run.calls);
    return run;
  };
  const { seconds } = options;
  const smallRuns = await inTurns({ ...options, rounds: Math.min(3, options.rounds) }, 'search_small_p95_ms', {
    pooled: () => one('skewed', searchWithTypos, skewed.queries, smallClients, { seconds }, 'pgbouncer'),
    direct: () => one('skewed', searchWithTypos, skewed.queries, smallClients, { seconds }),
  });
  const raw = await inTurns({ ...options, rounds: Math.min(3, options.rounds) }, 'search_heavy_vs_ilike', {
    ours: () => one('heaviest', searchWithTypos, heaviest.queries, heavyClients, { seconds: 2 * options.seconds }),
    oursWithoutTypos: () => one('heaviest', searchAsMeant, heaviest.queries, heavyClients, { seconds: options.seconds }),
    // Each takes a second and more.
    ilike: () => one('heaviest', searchByIlike, heaviest.queries, heavyClients, { seconds: 3 * options.seconds }),
  });
  onProgress('autocomplete_p95_ms');
  const completions = await one('heaviest', autocomplete, heaviest.prefixes, heavyClients, { seconds: 2 * options.seconds });
  return {
    search_small_p95_ms: {
      value: worstP95(smallRuns.pooled),
      unit: 'ms',
      goal: '<=25',
      peer: `queries with typos by ${smallClients} clients through PgBouncer, accounts to 10,000 records; the worst of ${smallRuns.pooled.length} rounds, ${Math.round(medianOf(smallRuns.pooled))} TPS`,
      raw: smallRuns.pooled,
    },
    search_small_direct_p95_ms: {
      value: worstP95(smallRuns.direct),
      unit: 'ms',
      goal: '-',
      peer: `the same straight to PostgreSQL, as many at work as there are clients, ${Math.round(medianOf(smallRuns.direct))} TPS`,
      raw: smallRuns.direct,
    },
    search_heavy_vs_ilike: {
      value: ratioOf(raw.ours, raw.ilike),
      goal: '>=20',
      peer: `ILIKE '%q%' without typos on four columns, ${heavyClients} clients both, in TPS: ${rounded(medianOf(raw.ours), 1)} and ${rounded(medianOf(raw.ilike), 2)}; ours without typos ${rounded(medianOf(raw.oursWithoutTypos), 1)}`,
      raw,
    },
    search_heavy_p95_ms: {
      value: worstP95(raw.ours),
      unit: 'ms',
      goal: '<=250',
      peer: `queries with typos by ${heavyClients} clients on the account that owns everything; the worst of ${raw.ours.length} rounds`,
      raw: raw.ours,
    },
    autocomplete_p95_ms: {
      value: rounded(completions.p95Ms, 1),
      unit: 'ms',
      goal: '<=10',
      peer: `${completions.calls} prefixes of 1 to 8 letters by ${heavyClients} clients on that account; the median is ${completions.p50Ms} ms`,
      raw: completions,
    },
  };
}

const worstP95 = (runs: readonly Run[]): number => rounded(Math.max(...runs.map(({ p95Ms }) => p95Ms)), 1);

/** Queries whose answers are held against the oracle's. */
export async function benchRecall(
  store: Store,
  counts: { readonly skewed: number; readonly heaviest: number },
  onProgress: (what: string) => void,
) {
  const raw: { set: DataSet; query: string; edits: number; recall: number; recallWithin: number }[] = [];
  for (const set of ['skewed', 'heaviest'] as const) {
    const admin = postgres(store.url(set, 'postgres'), { max: 1, fetch_types: false });
    const app = postgres(store.url(set, 'record_app'), { max: 1, fetch_types: false });
    try {
      // From the end of the list, which the timed runs don't reach.
      const queries = await admin<{ user_id: string; session_id: string; query: string; edits: number }[]>`
        select user_id, session_id, query, edits from bench.queries where edits between 1 and 2 order by n desc limit ${counts[set]}`;
      const oracles = new Map<string, Oracle>();
      for (const [index, { user_id, session_id, query, edits }] of queries.entries()) {
        onProgress(`search_recall, ${set}: ${index + 1} of ${queries.length}`);
        let oracle = oracles.get(user_id);
        if (oracle === undefined) {
          oracle = await oracleOf(admin, user_id);
          oracles.set(user_id, oracle);
        }
        const found = await app<{ id: string | null }[]>`
          select f.id from records.list_records(${user_id}, ${session_id}, ${query}, '{}', 'RELEVANCE', 10, 0, null, null, null, null) f`;
        const ids = found.flatMap(({ id }) => id ?? []);
        const [recall, recallWithin] = [oracle.recall(query, ids), oracle.recall(query, ids, edits)];
        if (recall === undefined || recallWithin === undefined)
          throw new Error(`The oracle finds nothing for "${query}", though it was made from a record.`);
        raw.push({ set, query, edits, recall: rounded(recall), recallWithin: rounded(recallWithin) });
      }
    } finally {
      await admin.end({ timeout: 5 });
      await app.end({ timeout: 5 });
    }
  }
  const mean = (of: typeof raw, kind: 'recall' | 'recallWithin' = 'recall'): number =>
    rounded(of.reduce((sum, one) => sum + one[kind], 0) / of.length);
  const by = (edits: number): number => mean(raw.filter((one) => one.edits === edits));
  const heavy = raw.filter(({ set }) => set === 'heaviest');
  return {
    search_recall: {
      value: mean(raw),
      goal: '>=0.95',
      peer: `the best ten of a search that looks at every record, ${raw.length} queries; one typo ${by(1)}, two ${by(2)}; on the account that owns everything ${mean(heavy)}`,
      raw,
    },
    search_recall_within: {
      value: mean(raw, 'recallWithin'),
      goal: '-',
      peer: 'the same, but of records that are no further away than the typos that the query has',
      raw: 'in search_recall',
    },
  } satisfies Record<string, Ratio>;
}

/** All records of an account, as they can be found. */
async function oracleOf(sql: postgres.Sql, userId: string): Promise<Oracle> {
  const oracle = new Oracle();
  const rows = sql<{ id: string; norm: string }[]>`
    select id, records.normal_form(concat_ws(' ', artist, name, label, catalog_number,
      (select string_agg(alias, ' ') from jsonb_array_elements_text(aliases) alias))) as norm
    from records.records where user_id = ${userId}`.cursor(10_000);
  for await (const part of rows) for (const { id, norm } of part) oracle.add(id, norm);
  return oracle;
}
