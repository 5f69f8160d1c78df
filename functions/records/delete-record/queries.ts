import type { Caller } from '../../runtime/define-function.ts';
import { json, type Sql } from '../../runtime/sql.ts';

export const deleteRecordQueries = (sql: Sql) => ({
  /**
   * @param revisions the ones that may be removed; undefined for any
   * @throws Refusal NOT_FOUND, ETAG_MISMATCH, SESSION_ENDED
   */
  deleteRecord: async ({ userId, sessionId }: Caller, id: string, revisions: readonly number[] | undefined): Promise<void> => {
    await sql`select records.delete_record(${userId}, ${sessionId}, ${id}, ${revisions === undefined ? null : json(revisions)})`;
  },
});
