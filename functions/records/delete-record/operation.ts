import type { DeleteRecordRequest, DeleteRecordResponse } from '../../../proto/generated/records.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { parseIfMatch } from '../etag.ts';
import type { deleteRecordQueries } from './queries.ts';

/**
 * Removes a record for good.
 * @throws Refusal NOT_FOUND, also for one that was removed before; ETAG_MISMATCH
 */
export async function deleteRecord(
  { recordId, etag }: DeleteRecordRequest,
  { queries, caller }: Tools<ReturnType<typeof deleteRecordQueries>, unknown>,
): Promise<DeleteRecordResponse> {
  await queries.deleteRecord(caller, recordId, parseIfMatch(etag));
  return { success: true };
}
