import type { DeleteRecordRequest, DeleteRecordResponse } from '../../../proto/generated/records.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { attemptOf } from '../attempt.ts';
import { parseIfMatch } from '../etag.ts';
import type { deleteRecordQueries } from './queries.ts';

/**
 * Removes a record for good. A request that names itself (request_id, Idempotency-Key) is done once within 24 hours: the same again is
 * answered as if the record were still there to remove.
 * @throws Refusal NOT_FOUND, also for one that was removed before; ETAG_MISMATCH, IDEMPOTENCY_KEY_REUSED, REQUEST_IN_PROGRESS
 */
export async function deleteRecord(
  { recordId, etag, requestId }: DeleteRecordRequest,
  { queries, caller }: Tools<ReturnType<typeof deleteRecordQueries>, unknown>,
): Promise<DeleteRecordResponse> {
  const id = recordId.toLowerCase();
  const revisions = parseIfMatch(etag);
  await queries.deleteRecord(caller, id, revisions, attemptOf(requestId, ['DeleteRecord', id, revisions ?? null]));
  return { success: true };
}
