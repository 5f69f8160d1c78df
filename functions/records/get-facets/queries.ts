import type { Caller } from '../../runtime/define-function.ts';
import { json, type Sql } from '../../runtime/sql.ts';
import type { Filters } from '../filters.ts';

/** One value of one facet, the most frequent first within its facet. */
export interface FacetRow {
  readonly facet: 'format' | 'label' | 'decade';
  readonly value: string;
  readonly count: number;
  readonly counts_are_lower_bounds: boolean;
}

export const getFacetsQueries = (sql: Sql) => ({
  /**
   * The most frequent values of each facet, in one round trip.
   * @param limit values of each facet
   * @throws Refusal SESSION_ENDED
   */
  getFacets: ({ userId, sessionId }: Caller, query: string, filters: Filters, limit: number) =>
    sql<FacetRow>`select * from records.facets(${userId}, ${sessionId}, ${query}, ${json(filters)}, ${limit})`,
});
