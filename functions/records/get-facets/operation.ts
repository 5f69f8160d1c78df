import type { GetFacetsRequest, GetFacetsResponse } from '../../../proto/generated/records.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { Faults } from '../faults.ts';
import { parseFilters } from '../filters.ts';
import type { FacetRow, getFacetsQueries } from './queries.ts';

const LIMIT_DEFAULT = 10;
const LIMIT_MAX = 100;

/**
 * Formats, labels and decades of what a search with the same query and filters finds, the most frequent first.
 * @throws Refusal INVALID_FIELDS
 */
export async function getFacets(
  request: GetFacetsRequest,
  { queries, caller }: Tools<ReturnType<typeof getFacetsQueries>, unknown>,
): Promise<GetFacetsResponse> {
  const faults = new Faults();
  const filters = parseFilters(request, faults);
  faults.refuse();
  const limit = Math.min(request.limit === 0 ? LIMIT_DEFAULT : request.limit, LIMIT_MAX);
  const rows = await queries.getFacets(caller, request.query, filters, limit);
  const of = (facet: FacetRow['facet']) => rows.filter((row) => row.facet === facet);
  return {
    formats: of('format').map(({ value, count }) => ({ value, count })),
    labels: of('label').map(({ value, count }) => ({ value, count })),
    decades: of('decade').map(({ value, count }) => ({ decade: Number(value), count })),
    countsAreLowerBounds: rows.some((row) => row.counts_are_lower_bounds),
  };
}
