import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { MediaKind, type Medium, type Record } from '../../proto/generated/records.ts';

/** The columns of the CSV that Discogs exports for a collection, in its order. */
export const columns = [
  'Catalog#',
  'Artist',
  'Title',
  'Label',
  'Format',
  'Rating',
  'Released',
  'release_id',
  'CollectionFolder',
  'Date Added',
  'Collection Media Condition',
  'Collection Sleeve Condition',
  'Collection Notes',
] as const;

export type Row = { readonly [Column in (typeof columns)[number]]: string };

/** The sample collection that comes with the project. */
export const sampleFile = new URL('../../db/sample/collection.csv', import.meta.url);

/**
 * Reads a Discogs collection CSV (RFC 4180, UTF-8).
 * @throws where a row has another number of cells than the header, or a column is missing
 */
export function readCollection(file: URL | string): Row[] {
  const rows: Row[] = parse(readFileSync(file), { columns: true, bom: true, skip_empty_lines: true });
  const missing = columns.filter((column) => rows[0]?.[column] === undefined);
  if (missing.length > 0) throw new Error(`${file} has no column ${missing.join(', ')}`);
  return rows;
}

/** Discogs writes these where there is no sleeve to grade. */
const noGrade = new Set(['', 'Generic', 'No Cover', 'Not Graded']);

/** The fields of a record that a collector types in, as JSON and as gRPC carry them. */
export type NewRecord = Partial<Record> & { readonly artist: string; readonly name: string };

/** One row as a record of the API. Cells that are empty stay away: absent is not empty. */
export function toRecord(row: Row): NewRecord {
  const sleeve = row['Collection Sleeve Condition'];
  const media = mediaOf(row.Format);
  return {
    artist: row.Artist,
    name: row.Title,
    ...given('catalogNumber', row['Catalog#']),
    ...given('label', row.Label),
    ...given('format', row.Format),
    ...given('recordGrade', row['Collection Media Condition']),
    ...(noGrade.has(sleeve) ? {} : { sleeveGrade: sleeve }),
    ...given('notes', row['Collection Notes']),
    ...given('collectionFolder', row.CollectionFolder),
    ...(row.Released === '' ? {} : { releaseYear: Number(row.Released) }),
    ...(row.Rating === '' ? {} : { rating: Number(row.Rating) }),
    ...(row.release_id === '' ? {} : { discogsReleaseId: Number(row.release_id) }),
    // Discogs writes local time without a zone; the sample's is UTC.
    ...(row['Date Added'] === '' ? {} : { addedAt: `${row['Date Added'].replace(' ', 'T')}Z` }),
    ...(media.length === 0 ? {} : { media }),
  };
}

const given = <Name extends keyof NewRecord>(name: Name, cell: string): object => (cell === '' ? {} : { [name]: cell });

/** "2xLP, Album" is two discs of 12 inch at 33 rpm. Speeds that the format doesn't tell stay 0. */
function mediaOf(format: string): Medium[] {
  const parts = format.split(',').map((part) => part.trim());
  const count = Number(/^(\d+)x/.exec(parts[0] ?? '')?.[1] ?? 1);
  const medium = carrier(parts);
  if (medium === undefined) return [];
  return Array.from({ length: count }, (_, i) => ({ index: i + 1, ...medium, discGrade: '', sides: [] }));
}

function carrier(parts: readonly string[]): Pick<Medium, 'kind' | 'sizeInch' | 'speedRpm'> | undefined {
  const name = (parts[0] ?? '').replace(/^\d+x/, '');
  const inch = Number(/(\d+)"/.exec(parts.join(' '))?.[1] ?? 0);
  if (name === 'LP') return { kind: MediaKind.VINYL, sizeInch: 12, speedRpm: 33 };
  if (name === 'Shellac') return { kind: MediaKind.VINYL, sizeInch: inch, speedRpm: 78 };
  if (name === '7"') return { kind: MediaKind.VINYL, sizeInch: 7, speedRpm: 45 };
  if (inch > 0) return { kind: MediaKind.VINYL, sizeInch: inch, speedRpm: 0 };
  if (name === 'CD') return { kind: MediaKind.CD, sizeInch: 0, speedRpm: 0 };
  if (name === 'Cass') return { kind: MediaKind.CASSETTE, sizeInch: 0, speedRpm: 0 };
  return undefined;
}
