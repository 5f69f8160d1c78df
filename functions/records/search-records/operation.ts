import type { SearchRecordsRequest, SearchRecordsResponse } from '../../../proto/generated/records.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { Faults } from '../faults.ts';
import { parseFilters } from '../filters.ts';
import { readPageToken, signPageToken } from '../page-token.ts';
import { recordOf } from '../record.ts';
import type { searchRecordsQueries } from './queries.ts';

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;

/**
 * Finds records by their artist, name, label, catalog number and aliases, a typo notwithstanding: the best matches first. Without a query,
 * the newest first. A limit above 200 is 200. Pages follow one another by page_token, and stay as they are while records are added.
 * @throws Refusal INVALID_FIELDS, MALFORMED_PAGE_TOKEN
 */
export async function searchRecords(
  request: SearchRecordsRequest,
  { queries, caller, pageTokenKey }: Tools<ReturnType<typeof searchRecordsQueries>, { readonly pageTokenKey: Buffer }>,
): Promise<SearchRecordsResponse> {
  const { query, offset, pageToken } = request;
  const faults = new Faults();
  const filters = parseFilters(request, faults);
  const hasQuery = query.trim() !== '';
  const order = request.order === 'SEARCH_ORDER_UNSPECIFIED' ? (hasQuery ? 'RELEVANCE' : 'NEWEST') : request.order;
  if (order === 'RELEVANCE' && !hasQuery) faults.add(['order'], 'NEEDS_QUERY', 'Without a query nothing is more relevant than the rest.');
  if (pageToken !== '' && offset !== 0)
    faults.add(['offset'], 'CONFLICTS_WITH_PAGE_TOKEN', 'A page token says where the page begins; leave the offset out.');
  faults.refuse();
  const list = { userId: caller.userId, query, filters, order };
  const after = pageToken === '' ? undefined : readPageToken(pageTokenKey, list, pageToken);
  const limit = Math.min(request.limit === 0 ? LIMIT_DEFAULT : request.limit, LIMIT_MAX);

  // One row more than the page holds says whether there is a next one.
  const rows = await queries.searchRecords(caller, list, { limit: limit + 1, offset, after });
  const found = rows.filter((row) => row.id !== null);
  const last = found.length > limit ? found[limit - 1] : undefined;
  return {
    records: found.slice(0, limit).map(recordOf),
    total: rows[0]?.total ?? 0,
    nextPageToken:
      last === undefined
        ? ''
        : signPageToken(pageTokenKey, list, { stage: last.stage, sortKey: last.sort_key, createdAt: last.created_at, id: last.id }),
    ...(rows[0]?.total_is_lower_bound === true && { totalIsLowerBound: true }),
  };
}
