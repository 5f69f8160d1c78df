import type { UpdateRecordRequest, UpdateRecordResponse } from '../../../proto/generated/records.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { attemptOf } from '../attempt.ts';
import { parseIfMatch } from '../etag.ts';
import { parseRecordChange, recordOf } from '../record.ts';
import type { updateRecordQueries } from './queries.ts';

/**
 * Changes a record: absent is not empty, so a change of one field leaves every other as it is (parseRecordChange says which change).
 * A request that names itself (request_id, Idempotency-Key) is done once within 24 hours: the same again gets the first answer again.
 * @throws Refusal INVALID_FIELDS, NOT_FOUND, ETAG_MISMATCH, IDEMPOTENCY_KEY_REUSED, REQUEST_IN_PROGRESS
 */
export async function updateRecord(
  request: UpdateRecordRequest,
  { queries, caller, now }: Tools<ReturnType<typeof updateRecordQueries>, unknown>,
): Promise<UpdateRecordResponse> {
  const change = parseRecordChange(request, now());
  const id = request.recordId.toLowerCase();
  const revisions = parseIfMatch(request.etag);
  const attempt = attemptOf(request.requestId, ['UpdateRecord', id, change, revisions ?? null]);
  return { record: recordOf(await queries.updateRecord(caller, id, change, revisions, attempt)) };
}
