import type { Caller } from '../../runtime/define-function.ts';
import { json, type Sql } from '../../runtime/sql.ts';
import type { RecordChange, RecordRow } from '../record.ts';

export const updateRecordQueries = (sql: Sql) => ({
  /**
   * Changes the named columns of a record and nothing else, in one statement.
   * @param revisions the ones that may be changed; undefined for any
   * @throws Refusal NOT_FOUND, ETAG_MISMATCH, SESSION_ENDED
   */
  updateRecord: async (
    { userId, sessionId }: Caller,
    id: string,
    change: RecordChange,
    revisions: readonly number[] | undefined,
  ): Promise<RecordRow> => {
    const [row] = await sql<RecordRow>`select * from records.update_record(
      ${userId}, ${sessionId}, ${id}, ${json(change)}, ${revisions === undefined ? null : json(revisions)})`;
    return row as RecordRow;
  },
});
