/** The calls that are measured, in pgbench's language. Variables that begin with ":" are pgbench's. */

/**
 * Keys are read with one statement, and then as many calls are made. Not many more: pgbench prepares each line of a script by itself, and fifty plans of
 * the same statement push each other out of the processor's cache, where a connection of ours has one.
 */
const batchSize = 12;
const keys = '\\set n random(1, :batches)\nselect * from bench.batches where n = :n \\gset\n';
const batched = (call: (i: number) => string): string =>
  `${keys}${Array.from({ length: batchSize }, (_, i) => `${call(i + 1)};\n`).join('')}`;

const byId = (i: number): string => `select * from records.read_record(:u${i}, :s${i}, :r${i})`;

/** A record by its id; twelve random ones of as many accounts in each transaction. */
export const pointReads = {
  calls: batchSize,
  /** Under row-level security, which must be told who calls. */
  read: batched(
    (i) =>
      `select * from records.readable r where (select set_config('app.user_id', :u${i}::text, true)) is not null and r.user_id = :u${i} and r.id = :r${i}`,
  ),
  /** GetRecord's statement: the session is checked, too. */
  ours: batched(byId),
  /** The same on a table without partitions. */
  plain: batched((i) => `select * from bench.read_plain(:u${i}, :s${i}, :r${i})`),
  /** Without function, session check and policy: on a plain table, and on the partitioned one. As the superuser. */
  barePlain: batched((i) => `select * from bench.plain_readable where user_id = :u${i} and id = :r${i}`),
  barePartitioned: batched((i) => `select * from records.readable where user_id = :u${i} and id = :r${i}`),
} as const;

/** One call, and no list of calls is gone through twice: client c takes the numbers base + c, base + c + clients, … */
const inTurn = (call: string): string => `\\set n :base + :turn * :clients + :client_id + 1\n\\set turn :turn + 1\n${call};\n`;

const find = (query: string): string =>
  `records.list_records(q.user_id, q.session_id, ${query}, '{}', 'RELEVANCE', 51, 0, null, null, null, null) f`;

/** SearchRecords' statement, with typos and without. */
export const searchWithTypos = inTurn(`select f.* from bench.queries q, ${find('q.query')} where q.n = :n`);
export const searchAsMeant = inTurn(`select f.* from bench.queries q, ${find('q.meant')} where q.n = :n`);
export const searchByIlike = inTurn(
  'select f.total, (f.record).* from bench.queries q, bench.search_by_ilike(q.user_id, q.session_id, q.meant) f where q.n = :n',
);
export const autocomplete = inTurn(
  'select a.value from bench.prefixes q, records.autocomplete(q.user_id, q.session_id, q.field, q.prefix, q.count) a where q.n = :n',
);

/** The first page of an account's newest. */
const newest = (table: string): string =>
  `records.list_records(${table}.user_id, ${table}.session_id, '', '{}', 'NEWEST', 51, 0, null, null, null, null) f`;
export const firstPages = inTurn(`select f.* from bench.calls q, ${newest('q')} where q.n = :n`);

/** Twelve records by id, five first pages, three searches: 60, 25 and 15 %, in an order that was shuffled once. */
const mixed = [...'iipisiipiispiipiispi'];
export const readMix = {
  calls: mixed.length,
  searches: mixed.filter((kind) => kind === 's').length,
  script: `${keys}\\set call :base + (:turn * :clients + :client_id) * ${mixed.length}
\\set search :searches + (:turn * :clients + :client_id) * 3
\\set turn :turn + 1
${mixed
  .map((kind, place) => {
    const number = mixed.slice(0, place + 1).filter((one) => one === kind).length;
    if (kind === 'i') return `${byId(number)};\n`;
    if (kind === 'p') return `select f.* from bench.calls q, ${newest('q')} where q.n = :call + ${place + 1};\n`;
    return `select f.* from bench.queries q, ${find('q.query')} where q.n = :search + ${number};\n`;
  })
  .join('')}`,
} as const;

/** A random row for a random account, in one transaction: into records.records with all it has, into a bare table, and by CreateRecord's whole function. */
const random = (call: string): string => `\\set row random(1, :rows)\n\\set account random(1, :rows)\n${call};\n`;
export const inserts = {
  ours: random('select bench.insert_record(:row, :account)'),
  bare: random('select bench.insert_bare(:row, :account)'),
  createRecord: random('select * from bench.create_record(:row, :account)'),
} as const;
