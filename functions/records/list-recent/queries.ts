import type { Caller } from '../../runtime/define-function.ts';
import type { Sql } from '../../runtime/sql.ts';
import type { RecordRow } from '../record.ts';

export const listRecentQueries = (sql: Sql) => ({
  /** The newest records, at most `limit`. @throws Refusal SESSION_ENDED */
  listRecent: ({ userId, sessionId }: Caller, limit: number) =>
    sql<RecordRow>`select * from records.list_recent(${userId}, ${sessionId}, ${limit})`,
});
