import { randomUUIDv7 } from 'node:crypto';
import { RecordShape } from '../../../proto/generated/records.rpc.ts';
import { checkFields, isUuid } from '../../runtime/check-fields.ts';
import { Refusal, type Violation } from '../../runtime/refusal.ts';
import { type NewRecord, parseNewRecord } from '../record.ts';
import type { Copies } from './copies.ts';
import { keyOf } from './row-key.ts';
import type { Row, RowFault, RowReader } from './rows.ts';

/**
 * A row as it is stored. Columns that are null are left out, which is half of what travels to the database.
 * A row that names its id (our own export) is that record, under a revision that no earlier one of this id had; any other is known by its key.
 */
export type ImportRow = Partial<NewRecord> & { readonly id: string; readonly revision?: number };

/** What a row came to: something to store, one that the file holds twice under the same key, or its faults. */
export type Imported = { readonly row: ImportRow } | { readonly isRepeated: true } | { readonly faults: readonly RowFault[] };

/** What all rows of one import have in common. */
export interface Importing {
  readonly callerId: string;
  readonly copies: Copies;
  readonly now: Date;
  readonly nameOf: RowReader['nameOf'];
}

/** @throws Refusal PERMISSION_DENIED where a row names another account */
export function importRow({ record, faults }: Row, { callerId, copies, now, nameOf }: Importing): Imported {
  if (faults.length > 0) return { faults };
  const names = (violations: readonly Violation[]): RowFault[] =>
    violations.map(({ path, reason, says }) => ({ column: nameOf(path[0] === 'record' ? path.slice(1) : path), reason, says }));
  const wrong = checkFields(RecordShape, record, callerId);
  if (wrong.length > 0) return { faults: names(wrong) };
  if (record.id !== '' && !isUuid(record.id))
    return { faults: [{ column: nameOf(['id']), reason: 'NOT_A_UUID', says: 'Must be a UUID, or nothing.' }] };
  let parsed: NewRecord;
  try {
    parsed = parseNewRecord({ record }, now);
  } catch (thrown) {
    if (thrown instanceof Refusal && thrown.violations.length > 0) return { faults: names(thrown.violations) };
    throw thrown;
  }
  const row: { -readonly [Name in keyof ImportRow]?: ImportRow[Name] } = {};
  for (const name in parsed) {
    const value = parsed[name as keyof NewRecord];
    if (value !== null) (row as { [name: string]: unknown })[name] = value;
  }
  if (record.id !== '') return { row: { ...row, id: record.id.toLowerCase(), revision: now.getTime() } };
  if (record.importKey) {
    if (copies.next(record.importKey) > 1) return { isRepeated: true };
  } else {
    const key = keyOf(record);
    row.import_key = `${key}:${copies.next(key)}`;
  }
  return { row: { ...row, id: randomUUIDv7() } };
}
