import type { Caller } from '../../runtime/define-function.ts';
import type { Sql } from '../../runtime/sql.ts';
import type { RecordRow } from '../record.ts';

export const exportRecordsQueries = (sql: Sql) => ({
  /**
   * The next records after one, the oldest first.
   * @param after the last one of the page before; undefined for the first page
   * @throws Refusal SESSION_ENDED
   */
  exportRecords: ({ userId, sessionId }: Caller, after: RecordRow | undefined, limit: number): Promise<RecordRow[]> =>
    sql<RecordRow>`select * from records.export_records(
      ${userId}, ${sessionId}, ${after?.created_at ?? null}, ${after?.id ?? null}, ${limit})`,
});
