import type { Caller } from '../../runtime/define-function.ts';
import type { Sql } from '../../runtime/sql.ts';
import type { RecordRow } from '../record.ts';

export const getRecordQueries = (sql: Sql) => ({
  /** @throws Refusal NOT_FOUND, SESSION_ENDED */
  getRecord: async ({ userId, sessionId }: Caller, id: string): Promise<RecordRow> => {
    const [row] = await sql<RecordRow>`select * from records.get_record(${userId}, ${sessionId}, ${id})`;
    return row as RecordRow;
  },
});
