import type { Caller } from '../../runtime/define-function.ts';
import { json, type Sql } from '../../runtime/sql.ts';
import type { Attempt } from '../attempt.ts';
import type { RecordChange, RecordRow } from '../record.ts';

export const updateRecordQueries = (sql: Sql) => ({
  /**
   * Changes the named columns of a record and nothing else, in one statement.
   * @param revisions the ones that may be changed; undefined for any
   * @param attempt answers what an earlier request of the same name was answered
   * @throws Refusal NOT_FOUND, ETAG_MISMATCH, IDEMPOTENCY_KEY_REUSED, REQUEST_IN_PROGRESS, SESSION_ENDED
   */
  updateRecord: async (
    { userId, sessionId }: Caller,
    id: string,
    change: RecordChange,
    revisions: readonly number[] | undefined,
    attempt?: Attempt,
  ): Promise<RecordRow> => {
    const condition = revisions === undefined ? null : json(revisions);
    const [row] =
      attempt === undefined
        ? await sql<RecordRow>`select * from records.update_record(${userId}, ${sessionId}, ${id}, ${json(change)}, ${condition})`
        : await sql<RecordRow>`select * from records.update_record(
            ${userId}, ${sessionId}, ${id}, ${json(change)}, ${condition}, ${attempt.key}, ${attempt.requestHash})`;
    return row as RecordRow;
  },
});
