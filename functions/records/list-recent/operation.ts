import type { ListRecentRequest, ListRecentResponse } from '../../../proto/generated/records.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { recordOf } from '../record.ts';
import type { listRecentQueries } from './queries.ts';

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 200;

/** The caller's records that were added last, the newest first. */
export async function listRecent(
  { limit }: ListRecentRequest,
  { queries, caller }: Tools<ReturnType<typeof listRecentQueries>, unknown>,
): Promise<ListRecentResponse> {
  return { records: (await queries.listRecent(caller, Math.min(limit === 0 ? LIMIT_DEFAULT : limit, LIMIT_MAX))).map(recordOf) };
}
