import { availableParallelism } from 'node:os';
import postgres from 'postgres';
import { poolSize } from '../../../db/pgbouncer/size.ts';
import { median, type Ratio, rounded } from '../ratios.ts';
import type { Lists } from './lists.ts';
import { type Load, load, type Run } from './pgbench.ts';
import { inserts, pointReads } from './scripts.ts';
import type { Store } from './store.ts';

/** As many as PgBouncer lets to work at once here: of more of them the others would wait outside. */
const clients = poolSize(availableParallelism());
/** As many as would come if nothing kept them. */
const crowd = 16;

export interface Rounds {
  readonly rounds: number;
  readonly seconds: number;
  readonly onProgress: (what: string) => void;
}

/** Measures several things in turn, each round beginning with another of them. */
export async function inTurns<Name extends string>(
  { rounds, onProgress }: Rounds,
  what: string,
  cases: Readonly<Record<Name, () => Promise<Run>>>,
): Promise<Record<Name, Run[]>> {
  const names = Object.keys(cases) as Name[];
  const raw = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Run[]>;
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length] as Name;
      onProgress(`${what}: ${name}, round ${round + 1} of ${rounds}`);
      raw[name].push(await cases[name]());
    }
  }
  return raw;
}

export const medianOf = (runs: readonly Run[]): number => median(runs.map(({ perSecond }) => perSecond));
/** Round by round, and of these the median. */
export const ratioOf = (runs: readonly Run[], peers: readonly Run[]): number =>
  rounded(median(runs.map(({ perSecond }, round) => perSecond / (peers[round] as Run).perSecond)));

/** A record by its id under row-level security, beside pgbench -S, and beside what each part of it costs. */
export async function benchPointReads(store: Store, lists: Lists, options: Rounds): Promise<Record<string, Ratio>> {
  const { seconds } = options;
  const app = store.url('skewed', 'record_app');
  const superuser = store.url('skewed', 'postgres');
  const read =
    (url: string, script: string, at = clients) =>
    () =>
      load({ url, script, clients: at, seconds, calls: pointReads.calls, variables: { batches: lists.batches } });
  const selectOnly =
    (at = clients) =>
    () =>
      load({ url: superuser, script: 'builtin', clients: at, seconds });
  const raw = await inTurns(options, 'point_read_rls', {
    read: read(app, pointReads.read),
    ours: read(app, pointReads.ours),
    pgbenchSelectOnly: selectOnly(),
    plainTable: read(app, pointReads.plain),
    bareOnPlainTable: read(superuser, pointReads.barePlain),
    bareOnPartitions: read(superuser, pointReads.barePartitioned),
    readInACrowd: read(app, pointReads.read, crowd),
    pgbenchInACrowd: selectOnly(crowd),
  });
  const tps = Object.fromEntries(Object.entries(raw).map(([name, runs]) => [name, Math.round(medianOf(runs))]));
  return {
    point_read_rls: {
      value: ratioOf(raw.read, raw.pgbenchSelectOnly),
      goal: '>=0.4',
      peer: `pgbench -S, prepared, ${clients} clients both, in TPS: ${tps.read} and ${tps.pgbenchSelectOnly}`,
      raw,
    },
    point_read_with_session: {
      value: ratioOf(raw.ours, raw.pgbenchSelectOnly),
      goal: '-',
      peer: `the same: GetRecord's statement, which checks the session as well, in TPS: ${tps.ours}. On a table without partitions ${tps.plainTable}; without session check and policy on that table ${tps.bareOnPlainTable}, on partitions ${tps.bareOnPartitions}`,
      raw: 'in point_read_rls',
    },
    point_read_rls_crowd: {
      value: ratioOf(raw.readInACrowd, raw.pgbenchInACrowd),
      goal: '-',
      peer: `point_read_rls with ${crowd} clients both, in TPS: ${tps.readInACrowd} and ${tps.pgbenchInACrowd}`,
      raw: 'in point_read_rls',
    },
    partitions_cost: {
      value: ratioOf(raw.ours, raw.plainTable),
      goal: '-',
      peer: 'the same statement on a table without partitions',
      raw: 'in point_read_rls',
    },
  };
}

/**
 * A row in a transaction of its own, on the disk when it is acknowledged, with all indexes, beside a table with none. The first change of a page
 * after a checkpoint writes the whole page to the log. A checkpoint comes every 15 minutes, and rounds of some seconds right behind one
 * would measure little else: so they are a figure of their own, and the others begin when most pages have been touched.
 */
export async function benchInserts(store: Store, lists: Lists, options: Rounds): Promise<Record<string, Ratio>> {
  const app = store.url('skewed', 'record_app');
  const insert = (script: string, seconds = options.seconds, at = clients) =>
    load({ url: app, script, clients: at, seconds, variables: { rows: lists.rows } });
  const [first, firstPeer] = await afterCheckpoint(store, async () => [await insert(inserts.ours), await insert(inserts.bare)] as const);
  options.onProgress('insert: warming up');
  const warmUpSeconds = 3 * options.rounds * options.seconds;
  const warmUp = await insert(inserts.ours, warmUpSeconds);
  const raw = await inTurns(options, 'insert', {
    ours: () => insert(inserts.ours),
    bare: () => insert(inserts.bare),
    createRecord: () => insert(inserts.createRecord),
    oursInACrowd: () => insert(inserts.ours, options.seconds, crowd),
    bareInACrowd: () => insert(inserts.bare, options.seconds, crowd),
  });
  return {
    insert: {
      value: ratioOf(raw.ours, raw.bare),
      goal: '>=0.4',
      peer: `a table without index, constraint, policy and generated column, ${clients} clients both, fsync and synchronous_commit on, in TPS: ${Math.round(medianOf(raw.ours))} and ${Math.round(medianOf(raw.bare))}; CreateRecord's whole function ${Math.round(medianOf(raw.createRecord))}`,
      raw,
    },
    insert_crowd: {
      value: ratioOf(raw.oursInACrowd, raw.bareInACrowd),
      goal: '-',
      peer: `the same with ${crowd} clients both, in TPS: ${Math.round(medianOf(raw.oursInACrowd))} and ${Math.round(medianOf(raw.bareInACrowd))}`,
      raw: 'in insert',
    },
    insert_after_checkpoint: {
      value: ratioOf([first], [firstPeer]),
      goal: '-',
      peer: `the same in the first ${options.seconds} seconds after a checkpoint, when each page is logged whole, in TPS: ${Math.round(first.perSecond)} and ${Math.round(firstPeer.perSecond)}; the ${warmUpSeconds} seconds that follow ${Math.round(warmUp.perSecond)}`,
      raw: { ours: [first], bare: [firstPeer], warmUp: [warmUp] },
    },
  };
}

/** Does something right behind a checkpoint. */
async function afterCheckpoint<T>(store: Store, work: () => Promise<T>): Promise<T> {
  const sql = postgres(store.url('skewed', 'postgres'), { max: 1, fetch_types: false });
  await sql`checkpoint`;
  await sql.end({ timeout: 5 });
  return await work();
}

/** What PgBouncer costs, and whether it lets a crowd through. */
export async function benchPgbouncer(store: Store, lists: Lists, options: Rounds): Promise<Record<string, Ratio>> {
  const read = (url: string, more: Pick<Load, 'clients' | 'seconds' | 'each'>) =>
    load({ url, script: pointReads.ours, calls: pointReads.calls, variables: { batches: lists.batches }, ...more });
  const raw = await inTurns(options, 'pgbouncer', {
    ours: () => read(store.url('skewed', 'record_app', 'pgbouncer'), { clients: crowd, seconds: options.seconds }),
    direct: () => read(store.url('skewed', 'record_app'), { clients: crowd, seconds: options.seconds }),
  });
  options.onProgress('pgbouncer: 1,000 clients');
  // A failed connection or transaction ends pgbench, and the bench with it. Not for a time: on a busy machine connecting may take all of it.
  const thousand = await read(store.url('skewed', 'record_app', 'poolOf20'), { clients: 1000, each: 1 });
  return {
    pgbouncer: {
      value: ratioOf(raw.ours, raw.direct),
      goal: '>=0.6',
      peer: `straight to PostgreSQL, ${crowd} clients both, records by id, in TPS: ${Math.round(medianOf(raw.ours))} and ${Math.round(medianOf(raw.direct))}`,
      raw,
    },
    pgbouncer_crowd_tps: {
      value: thousand.perSecond,
      unit: 'TPS',
      goal: '-',
      peer: `1,000 client connections on a pool of 20: ${thousand.calls} calls, none failed`,
      raw: thousand,
    },
  };
}
