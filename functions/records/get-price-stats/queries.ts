import type { Caller } from '../../runtime/define-function.ts';
import { json, type Sql } from '../../runtime/sql.ts';
import type { Filters } from '../filters.ts';

/** One currency, that with most records first; where sum is null the records without a price. Amounts have two decimals. */
export interface PriceStatsRow {
  readonly currency: string | null;
  readonly count: number;
  readonly min: string;
  readonly median: string;
  readonly mean: string;
  readonly p90: string;
  readonly max: string;
  readonly sum: string | null;
  readonly counts_are_lower_bounds: boolean;
}

export const getPriceStatsQueries = (sql: Sql) => ({
  /** Prices by currency, in one round trip. @throws Refusal SESSION_ENDED */
  getPriceStats: ({ userId, sessionId }: Caller, query: string, filters: Filters) =>
    sql<PriceStatsRow>`select * from records.price_stats(${userId}, ${sessionId}, ${query}, ${json(filters)})`,
});
