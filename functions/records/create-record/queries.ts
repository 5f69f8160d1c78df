import type { Caller } from '../../runtime/define-function.ts';
import { json, type Sql } from '../../runtime/sql.ts';
import type { Attempt } from '../attempt.ts';
import type { NewRecord, RecordRow } from '../record.ts';

export const createRecordQueries = (sql: Sql) => ({
  /**
   * Stores a record, or answers what an earlier request of the same name was answered.
   * @throws Refusal IDEMPOTENCY_KEY_REUSED, REQUEST_IN_PROGRESS, SESSION_ENDED
   */
  createRecord: async ({ userId, sessionId }: Caller, id: string, record: NewRecord, attempt?: Attempt): Promise<RecordRow> => {
    const [row] = await sql<RecordRow>`select * from records.create_record(
      ${userId}, ${sessionId}, ${id}, ${json(record)}, ${attempt?.key ?? null}, ${attempt?.requestHash ?? null})`;
    return row as RecordRow;
  },
});
