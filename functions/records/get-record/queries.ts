import type { Caller } from '../../runtime/define-function.ts';
import type { Sql } from '../../runtime/sql.ts';
import type { RecordRow } from '../record.ts';

export const getRecordQueries = (sql: Sql) => ({
  /**
   * @returns undefined where the caller has no such record
   * @throws Refusal SESSION_ENDED
   */
  readRecord: async ({ userId, sessionId }: Caller, id: string): Promise<RecordRow | undefined> => {
    const [row] = await sql<RecordRow>`select * from records.read_record(${userId}, ${sessionId}, ${id})`;
    return row;
  },
});
