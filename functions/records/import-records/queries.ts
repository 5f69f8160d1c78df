import type { Caller } from '../../runtime/define-function.ts';
import { json, type Sql } from '../../runtime/sql.ts';
import type { ImportRow } from './import-row.ts';

export const importRecordsQueries = (sql: Sql) => ({
  /**
   * Stores what isn't there yet of a batch: all of it or nothing.
   * @returns how many rows were stored
   * @throws Refusal SESSION_ENDED
   */
  importRecords: async ({ userId, sessionId }: Caller, rows: readonly ImportRow[]): Promise<number> => {
    const [counted] = await sql<{ created: number }>`select records.import_records(${userId}, ${sessionId}, ${json(rows)}) as created`;
    return counted?.created ?? 0;
  },
});
