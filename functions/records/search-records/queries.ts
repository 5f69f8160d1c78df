import type { Caller } from '../../runtime/define-function.ts';
import type { Sql } from '../../runtime/sql.ts';
import type { PagePosition } from '../page-token.ts';
import type { RecordRow } from '../record.ts';

/** One row of a page. Where the page is empty there is one all the same, with the total and an id that is null. */
export type FoundRow = RecordRow & { readonly total: number; readonly stage: number; readonly rank: number };

export const searchRecordsQueries = (sql: Sql) => ({
  /**
   * One page and the total, in one round trip.
   * @param after where the page begins; undefined for the first one
   * @throws Refusal SESSION_ENDED
   */
  searchRecords: ({ userId, sessionId }: Caller, query: string, page: { limit: number; offset: number; after?: PagePosition }) =>
    sql<FoundRow>`select found.total, found.stage, found.rank, (found.record).* from records.search_records(
      ${userId}, ${sessionId}, ${query}, ${page.limit}, ${page.offset},
      ${page.after?.stage ?? null}, ${page.after?.rank ?? null}, ${page.after?.createdAt ?? null}, ${page.after?.id ?? null}) found`,
});
