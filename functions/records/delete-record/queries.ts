import type { Caller } from '../../runtime/define-function.ts';
import { json, type Sql } from '../../runtime/sql.ts';
import type { Attempt } from '../attempt.ts';

export const deleteRecordQueries = (sql: Sql) => ({
  /**
   * @param revisions the ones that may be removed; undefined for any
   * @param attempt answers what an earlier request of the same name was answered
   * @throws Refusal NOT_FOUND, ETAG_MISMATCH, IDEMPOTENCY_KEY_REUSED, REQUEST_IN_PROGRESS, SESSION_ENDED
   */
  deleteRecord: async (
    { userId, sessionId }: Caller,
    id: string,
    revisions: readonly number[] | undefined,
    attempt?: Attempt,
  ): Promise<void> => {
    const condition = revisions === undefined ? null : json(revisions);
    if (attempt === undefined) await sql`select records.delete_record(${userId}, ${sessionId}, ${id}, ${condition})`;
    else
      await sql`select records.delete_record(
        ${userId}, ${sessionId}, ${id}, ${condition}, ${attempt.key}, ${attempt.requestHash})`;
  },
});
