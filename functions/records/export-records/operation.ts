import type { ExportRecordsRequest, ExportRecordsResponse, FileFormat } from '../../../proto/generated/records.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { csvLine, headerLine } from '../collection-columns.ts';
import { type RecordRow, recordOf } from '../record.ts';
import type { exportRecordsQueries } from './queries.ts';

/** Records of one statement: what is in memory for a client, with the page that is read ahead. */
const pageRows = 250;

/**
 * The caller's records as a file, the oldest first. Each page is a statement of its own, asked for when the client has taken the one before
 * the last: nothing is held open in the database, however slowly somebody reads. So it is no snapshot; what is there from beginning to end is
 * in it once.
 * @throws Refusal SESSION_ENDED
 */
export async function* exportRecords(
  { format }: ExportRecordsRequest,
  { queries, caller }: Tools<ReturnType<typeof exportRecordsQueries>, unknown>,
): AsyncGenerator<ExportRecordsResponse> {
  const isCsv = format !== 'JSON_LINES';
  let head = isCsv ? headerLine : '';
  let reading = queries.exportRecords(caller, undefined, pageRows);
  for (;;) {
    const rows = await reading;
    const more = rows.length === pageRows;
    if (more) {
      reading = queries.exportRecords(caller, rows.at(-1), pageRows);
      reading.catch(() => {}); // told when its turn comes
    }
    const text = head + rows.map((row) => lineOf(row, format)).join('');
    head = '';
    if (text !== '') yield { content: Buffer.from(text) };
    if (!more) return;
  }
}

/** JSON Lines without the account: whoever brings the file in is another one, maybe. */
function lineOf(row: RecordRow, format: FileFormat): string {
  const { userId: _, ...record } = recordOf(row);
  return format === 'JSON_LINES' ? `${JSON.stringify(record)}\n` : csvLine({ ...record, userId: '' });
}
