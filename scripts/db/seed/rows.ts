import type { NewRecord } from '../../../functions/records/record.ts';
import { type DataSet, endMs, type SeedAccount, uuidv7 } from './accounts.ts';
import { copyOf } from './copies.ts';
import { Random } from './random.ts';

/** A row of records.records, as the API would have stored it: what the database computes isn't in it. */
export type SeedRow = NewRecord & {
  readonly id: string;
  readonly user_id: string;
  readonly created_at: string;
  readonly updated_at: string;
};

/** Releases that people own copies of, where each owns a few of them. */
const catalogue = 400_000;
/** Records that an import stores in one transaction, and so with one time. */
const batchMax = 500;

/** The records of an account, oldest first. They came in imports and one by one, in all the time since the account was made. */
export function* rowsOf(set: DataSet, account: SeedAccount): Generator<SeedRow> {
  const random = new Random(21, set === 'skewed' ? 1 : 2, hash(account.id));
  const releases = releasesOf(account.records, random);
  let left = account.records;
  let ms = account.createdMs + 60_000;
  while (left > 0) {
    const batch = Math.min(left, random.chance(0.5) && left > 20 ? 20 + random.below(batchMax - 20) : 1);
    // The last one comes just before the end.
    ms += Math.floor((((endMs - ms) * batch) / (left + 1)) * random.next());
    const time = new Date(ms).toISOString();
    for (let counter = 0; counter < batch; counter++) {
      const release = releases();
      yield { ...copyOf(release, random, ms), id: uuidv7(ms, counter, random), user_id: account.id, created_at: time, updated_at: time };
    }
    ms += 1;
    left -= batch;
  }
}

/** Numbers of releases. Small accounts have what everybody has, and seldom two copies; the heaviest has nearly everything, once or twice. */
function releasesOf(records: number, random: Random): () => number {
  if (records > catalogue / 10) {
    const step = 1_000_003; // a prime, so that every number comes before one comes again
    let at = 0;
    return () => {
      if (random.chance(0.02)) return random.skewed(records);
      at = (at + step) % records;
      return at;
    };
  }
  const owned = new Set<number>();
  return () => {
    for (;;) {
      const release = random.skewed(catalogue, 1.7);
      if (owned.has(release) && !random.chance(0.05)) continue;
      owned.add(release);
      return release;
    }
  };
}

const hash = (id: string): number => Number.parseInt(id.slice(-12, -4), 16);

export const columns = [
  'id',
  'user_id',
  'artist',
  'name',
  'aliases',
  'format',
  'label',
  'label_code',
  'catalog_number',
  'given_grade',
  'media_grade',
  'sleeve_grade',
  'insert_grade',
  'booklet_grade',
  'obi_strip_grade',
  'factory_sleeve_grade',
  'has_insert',
  'has_booklet',
  'has_obi_strip',
  'has_factory_sleeve',
  'is_promo',
  'notes',
  'purchased_at',
  'price',
  'currency',
  'release_date',
  'release_year',
  'pressing_year',
  'media',
  'discogs_release_id',
  'collection_folder',
  'rating',
  'added_at',
  'import_key',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof SeedRow)[];

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const cell = (value: unknown): string => {
  if (value === null) return '\\N';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? 't' : 'f';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /[\\\n\r\t]/.test(text) ? text.replaceAll(/[\\\n\r\t]/g, (character) => escapes[character] as string) : text;
};

/** A line of COPY's text format, in the order of `columns`. */
export const copyLine = (row: SeedRow): string => `${columns.map((name) => cell(row[name])).join('\t')}\n`;
