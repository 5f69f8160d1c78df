import type { Caller } from '../../runtime/define-function.ts';
import { json, type Sql } from '../../runtime/sql.ts';
import type { Filters } from '../filters.ts';
import type { PagePosition } from '../page-token.ts';
import type { RecordRow } from '../record.ts';

/** One row of a page. Where the page is empty there is one all the same, with the total and an id that is null. */
export type FoundRow = RecordRow & {
  readonly total: number;
  readonly total_is_lower_bound: boolean;
  readonly stage: number;
  readonly sort_key: string;
};

/** Which records, in which order. */
export interface Wanted {
  readonly query: string;
  readonly filters: Filters;
  /** The name of a SearchOrder. */
  readonly order: string;
}

export const searchRecordsQueries = (sql: Sql) => ({
  /**
   * One page and the total, in one round trip.
   * @param after where the page begins; undefined for the first one
   * @throws Refusal SESSION_ENDED
   */
  searchRecords: (
    { userId, sessionId }: Caller,
    { query, filters, order }: Wanted,
    { limit, offset, after }: { limit: number; offset: number; after?: PagePosition },
  ) =>
    sql<FoundRow>`select * from records.list_records(
      ${userId}, ${sessionId}, ${query}, ${json(filters)}, ${order}, ${limit}, ${offset},
      ${after?.stage ?? null}, ${after?.sortKey ?? null}, ${after?.createdAt ?? null}, ${after?.id ?? null})`,
});
