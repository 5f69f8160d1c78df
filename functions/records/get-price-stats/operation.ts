import type { GetPriceStatsRequest, GetPriceStatsResponse } from '../../../proto/generated/records.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { Faults } from '../faults.ts';
import { parseFilters } from '../filters.ts';
import type { getPriceStatsQueries } from './queries.ts';

/**
 * What was paid for what a search with the same query and filters finds. Prices of different currencies are never added up.
 * @throws Refusal INVALID_FIELDS
 */
export async function getPriceStats(
  request: GetPriceStatsRequest,
  { queries, caller }: Tools<ReturnType<typeof getPriceStatsQueries>, unknown>,
): Promise<GetPriceStatsResponse> {
  const faults = new Faults();
  const filters = parseFilters(request, faults);
  faults.refuse();
  const rows = await queries.getPriceStats(caller, request.query, filters);
  return {
    stats: rows
      .filter(({ sum }) => sum !== null)
      .map(({ currency, count, min, median, mean, p90, max, sum }) => ({
        currency: currency ?? undefined,
        count,
        min,
        median,
        mean,
        p90,
        max,
        sum: sum as string,
      })),
    withoutPrice: rows.find(({ sum }) => sum === null)?.count ?? 0,
    countsAreLowerBounds: rows.some((row) => row.counts_are_lower_bounds),
  };
}
