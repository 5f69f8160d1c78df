import type { UpdateRecordRequest, UpdateRecordResponse } from '../../../proto/generated/records.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { parseIfMatch } from '../etag.ts';
import { parseRecordChange, recordOf } from '../record.ts';
import type { updateRecordQueries } from './queries.ts';

/**
 * Changes a record: absent is not empty, so a change of one field leaves every other as it is (parseRecordChange says which change).
 * @throws Refusal INVALID_FIELDS, NOT_FOUND, ETAG_MISMATCH
 */
export async function updateRecord(
  request: UpdateRecordRequest,
  { queries, caller, now }: Tools<ReturnType<typeof updateRecordQueries>, unknown>,
): Promise<UpdateRecordResponse> {
  const change = parseRecordChange(request, now());
  return { record: recordOf(await queries.updateRecord(caller, request.recordId, change, parseIfMatch(request.etag))) };
}
