import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { meets, type Ratio, rounded } from '../ratios.ts';
import type { Report } from '../report.ts';
import type { Run } from './pgbench.ts';
import { barsPicture } from './picture.ts';
import { medianOf } from './point-read.ts';

const root = join(import.meta.dirname, '../../..');
const page = 'docs/data.md';
/** What `npm run bench -- db --json docs/bench/database.json` has written. */
const results = 'docs/bench/database.json';

type RunsOf<Name extends string> = Readonly<Record<Name, readonly Run[]>>;

const runsOf = <Name extends string>(report: Report, name: string): RunsOf<Name> => (report.ratios[name] as Ratio).raw as RunsOf<Name>;
const number = (value: number): string =>
  Number.isNaN(value)
    ? '–'
    : value.toLocaleString('en-US', { maximumFractionDigits: value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0 });
const tps = (value: number): string => `${number(value)} TPS`;
const goalText = (goal: string): string => goal.replace('>=', '≥ ').replace('<=', '≤ ').replace('-', '–');
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;

/** As one reads of them. */
const order = [
  'seed_s',
  'point_read_rls',
  'partitions_cost',
  'read_mix_tps',
  'search_recall',
  'search_recall_within',
  'search_small_p95_ms',
  'search_small_direct_p95_ms',
  'search_heavy_vs_ilike',
  'search_heavy_p95_ms',
  'autocomplete_p95_ms',
  'insert',
  'insert_after_checkpoint',
  'import_rows_s',
  'pgbouncer',
  'pgbouncer_crowd_tps',
];

/** Every figure with its goal. */
const goalsTable = (ratios: Readonly<Record<string, Ratio>>): string =>
  row('Name', 'Value', 'Goal', 'Held against') +
  row('---', '---', '---', '---') +
  Object.entries(ratios)
    .sort(([one], [other]) => order.indexOf(one) - order.indexOf(other))
    .map(([name, ratio]) =>
      row(
        `\`${name}\``,
        `${number(ratio.value)}${ratio.unit === undefined ? '' : ` ${ratio.unit}`}`,
        `${goalText(ratio.goal)}${meets(ratio) ? '' : ', **missed**'}`,
        ratio.peer,
      ),
    )
    .join('');

/** Rounds of several cases: the median rate, and how long calls took. */
const runsTable = (cases: Readonly<Record<string, readonly Run[]>>): string =>
  row('Case', 'Clients', 'Rounds', 'TPS, median', 'least to most', 'p50', 'p95', 'p99') +
  row('---', '---', '---', '---', '---', '---', '---', '---') +
  Object.entries(cases)
    .map(([name, runs]) => {
      const rates = runs.map(({ perSecond }) => perSecond);
      const worst = (at: 'p50Ms' | 'p95Ms' | 'p99Ms') => `${number(Math.max(...runs.map((run) => run[at])))} ms`;
      return row(
        name,
        String(runs[0]?.clients),
        String(runs.length),
        number(medianOf(runs)),
        `${number(Math.min(...rates))}–${number(Math.max(...rates))}`,
        worst('p50Ms'),
        worst('p95Ms'),
        worst('p99Ms'),
      );
    })
    .join('');

const readRuns = (report: Report) =>
  runsOf<'read' | 'ours' | 'pgbenchSelectOnly' | 'plainTable' | 'bareOnPlainTable' | 'bareOnPartitions'>(report, 'point_read_rls');

const readTable = (report: Report): string => {
  const runs = readRuns(report);
  const reference = medianOf(runs.pgbenchSelectOnly);
  const line = (name: string, of: readonly Run[]) => row(name, number(medianOf(of)), number(medianOf(of) / reference));
  return (
    row('A record by its id', 'TPS, median', 'of pgbench -S') +
    row('---', '---', '---') +
    line('under row-level security, on 8 partitions', runs.read) +
    line('GetRecord: the session is checked, too', runs.ours) +
    line('GetRecord on a table without partitions', runs.plainTable) +
    line('without policy and session check, on 8 partitions', runs.bareOnPartitions) +
    line('without them, without partitions', runs.bareOnPlainTable) +
    line('`pgbench -S`, prepared', runs.pgbenchSelectOnly)
  );
};

function readPicture(report: Report): string {
  const runs = readRuns(report);
  const bar = (name: string, of: readonly Run[], peer = true) => ({ name, value: medianOf(of), says: tps(medianOf(of)), peer });
  const reference = medianOf(runs.pgbenchSelectOnly);
  return barsPicture('A record by its id, calls a second; the mark is the goal', [
    { ...bar('under row-level security', runs.read, false), goal: 0.4 * reference },
    bar('GetRecord, with its session check', runs.ours, false),
    bar('GetRecord without partitions', runs.plainTable),
    bar('without policy and check', runs.bareOnPartitions),
    bar('without these and partitions', runs.bareOnPlainTable),
    bar('pgbench -S', runs.pgbenchSelectOnly),
  ]);
}

function latencyPicture(report: Report): string {
  const ratio = (name: string) => report.ratios[name] as Ratio;
  const bar = (name: string, of: string) => ({
    name,
    value: ratio(of).value,
    says: `${number(ratio(of).value)} ms`,
    goal: Number(ratio(of).goal.slice(2)),
  });
  const { ilike } = ratio('search_heavy_vs_ilike').raw as RunsOf<'ours' | 'ilike'>;
  const slow = Math.max(...ilike.map((run) => run.p95Ms));
  return barsPicture(
    'p95 in milliseconds, on a scale of decades; the marks are the goals',
    [
      bar('search, accounts to 10,000 records', 'search_small_p95_ms'),
      bar('search, 1.13 million records', 'search_heavy_p95_ms'),
      bar('completion, 1.13 million records', 'autocomplete_p95_ms'),
      { name: "ILIKE '%q%', 1.13 million records", value: slow, says: `${number(slow)} ms`, peer: true },
    ],
    'logarithmic',
  );
}

/** How much of the best ten is found, by the number of typos. */
function recallTable(report: Report): string {
  const raw = (report.ratios.search_recall as Ratio).raw as readonly { set: string; edits: number; recall: number; recallWithin: number }[];
  const mean = (of: typeof raw, kind: 'recall' | 'recallWithin') =>
    number(rounded(of.reduce((sum, one) => sum + one[kind], 0) / of.length));
  const lines = ['skewed', 'heaviest'].flatMap((set) =>
    [1, 2].map((edits) => {
      const of = raw.filter((one) => one.set === set && one.edits === edits);
      return row(
        set === 'skewed' ? 'to 10,000 records' : '1.13 million records',
        String(edits),
        String(of.length),
        mean(of, 'recall'),
        mean(of, 'recallWithin'),
      );
    }),
  );
  return (
    row('Account', 'Typos', 'Queries', 'Recall', 'of records within as many typos') +
    row('---', '---', '---', '---', '---') +
    lines.join('')
  );
}

/** Everything that follows from the figures: path → content. */
export function derived(): Map<string, string> {
  const report = JSON.parse(readFileSync(join(root, results), 'utf8')) as Report;
  const { machine, measuredAt } = report;
  const tables: Readonly<Record<string, () => string>> = {
    machine: () =>
      `Measured ${measuredAt.slice(0, 10)} on ${machine.cores} shared cores (${machine.model}) with ${machine.memoryGib} GiB of memory, clients and servers together.\n`,
    goals: () => goalsTable(report.ratios),
    reads: () => readTable(report),
    recall: () => recallTable(report),
    mix: () => {
      const { mix, byId, pages, searches } = runsOf<'mix' | 'byId' | 'pages' | 'searches'>(report, 'read_mix_tps');
      return runsTable({
        'the mix, per 20 calls': mix,
        'records by id alone, per 12': byId,
        'first pages alone': pages,
        'searches alone': searches,
      });
    },
    heavy: () => {
      const { ours, oursWithoutTypos, ilike } = runsOf<'ours' | 'oursWithoutTypos' | 'ilike'>(report, 'search_heavy_vs_ilike');
      return runsTable({ 'with typos': ours, 'without typos': oursWithoutTypos, "`ILIKE '%q%'`": ilike });
    },
    writes: () => {
      const { ours, bare, createRecord, oursInACrowd, bareInACrowd } = runsOf<
        'ours' | 'bare' | 'createRecord' | 'oursInACrowd' | 'bareInACrowd'
      >(report, 'insert');
      const first = runsOf<'ours' | 'bare' | 'warmUp'>(report, 'insert_after_checkpoint');
      return runsTable({
        'all indexes': ours,
        "CreateRecord's function": createRecord,
        'bare table': bare,
        'all indexes, 16 clients': oursInACrowd,
        'bare table, 16 clients': bareInACrowd,
        'right after a checkpoint: all indexes': first.ours,
        'the time from then on': first.warmUp,
        'right after a checkpoint: bare table': first.bare,
      });
    },
    pgbouncer: () => {
      const { ours, direct } = runsOf<'ours' | 'direct'>(report, 'pgbouncer');
      return runsTable({
        'through PgBouncer, per 12 calls': ours,
        'straight to PostgreSQL, per 12': direct,
        '1,000 clients on a pool of 20, per 12': [(report.ratios.pgbouncer_crowd_tps as Ratio).raw as Run],
      });
    },
  };
  /** What a table is made of; without it there is none. */
  const needs: Readonly<Record<string, string>> = { writes: 'insert_after_checkpoint', pgbouncer: 'pgbouncer_crowd_tps' };
  const text = readFileSync(join(root, page), 'utf8').replaceAll(
    /(<!-- made by scripts\/bench\/db\/page\.ts: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, begin: string, name: string, end: string) => {
      const table = tables[name];
      if (table === undefined) throw new Error(`${page} wants a table "${name}", which nothing makes.`);
      const missing = needs[name] !== undefined && report.ratios[needs[name]] === undefined;
      return `${begin}${missing ? 'Not measured in that run.\n' : table()}${end}`;
    },
  );
  return new Map([
    ['docs/bench/point-reads.svg', readPicture(report)],
    ['docs/bench/latencies.svg', latencyPicture(report)],
    [page, text],
  ]);
}

if (import.meta.main) for (const [path, content] of derived()) writeFileSync(join(root, path), content);
