import type { ImportCounts, ImportRecordsRequest, ImportRecordsResponse } from '../../../proto/generated/records.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { refuse } from '../refusals.ts';
import { Copies, rowsMax } from './copies.ts';
import { type ImportRow, importRow } from './import-row.ts';
import type { importRecordsQueries } from './queries.ts';
import { createRowReader, type Row, type RowReader } from './rows.ts';

/** Rows of one statement and one transaction: what a break can cost, and for how long another import of the account waits. */
const batchRows = 500;
/** A batch that isn't full is stored after that, so that a slow upload shows progress. */
const batchAgeMs = 1_000;
/** Between two messages about progress. */
const progressEveryMs = 500;

type Answer = ImportRecordsResponse;
const none: Answer = { fault: undefined, progress: undefined, totals: undefined };

/**
 * Stores the rows of a file batch by batch, each in a transaction of its own: whatever breaks the import off, what was told as created is
 * there, and the same file again stores the rest. While one batch is being stored the next is read; there are never more than two in memory.
 * @throws Refusal NOT_A_COLLECTION, TOO_MANY_ROWS, PERMISSION_DENIED, SESSION_ENDED
 */
export async function* importRecords(
  requests: AsyncIterable<ImportRecordsRequest>,
  { queries, caller, now }: Tools<ReturnType<typeof importRecordsQueries>, unknown>,
): AsyncGenerator<Answer> {
  const counts: ImportCounts = { rows: 0, created: 0, unchanged: 0, faulty: 0, bytes: 0 };
  const copies = new Copies();
  let batch: ImportRow[] = [];
  let batchBegan = 0;
  let storing: Promise<void> | undefined;
  let told = now().getTime();

  const store = async (): Promise<void> => {
    await storing;
    const rows = batch;
    batch = [];
    storing = queries.importRecords(caller, rows).then((created) => {
      counts.created += created;
      counts.unchanged += rows.length - created;
    });
    storing.catch(() => {}); // whoever waits for it next is told
  };

  /** Takes one row. @returns its faults, to be told */
  const take = (row: Row, nameOf: RowReader['nameOf']): Answer[] => {
    if (++counts.rows > rowsMax) throw refuse('TOO_MANY_ROWS');
    const imported = importRow(row, { callerId: caller.userId, copies, now: now(), nameOf });
    if ('row' in imported) {
      if (batch.length === 0) batchBegan = now().getTime();
      batch.push(imported.row);
      return [];
    }
    if ('isRepeated' in imported) {
      counts.unchanged++;
      return [];
    }
    counts.faulty++;
    return imported.faults.map(({ column, reason, says }) => ({ ...none, fault: { line: row.line, column, reason, says } }));
  };

  let reader: RowReader | undefined;
  for await (const { content, format } of requests) {
    reader ??= createRowReader(format);
    counts.bytes += content.length;
    for (const row of reader.push(content)) {
      yield* take(row, reader.nameOf);
      if (batch.length >= batchRows) await store();
    }
    const time = now().getTime();
    if (batch.length > 0 && time - batchBegan >= batchAgeMs) await store();
    if (time - told >= progressEveryMs) {
      told = time;
      yield { ...none, progress: { ...counts } };
    }
  }
  reader ??= createRowReader('CSV');
  for (const row of reader.end()) yield* take(row, reader.nameOf);
  if (batch.length > 0) await store();
  await storing;
  yield { ...none, totals: counts };
}
