import type { Caller } from '../../runtime/define-function.ts';
import { json, type Sql } from '../../runtime/sql.ts';
import type { NewRecord, RecordRow } from '../record.ts';

/** The client's name for one attempt, and what it asked for under that name. */
export interface Attempt {
  readonly key: string;
  /** SHA-256 */
  readonly requestHash: Uint8Array;
}

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
