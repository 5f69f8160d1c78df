import { randomUUIDv7 } from 'node:crypto';
import type { CreateRecordRequest, CreateRecordResponse } from '../../../proto/generated/records.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { attemptOf } from '../attempt.ts';
import { parseNewRecord, recordOf } from '../record.ts';
import type { createRecordQueries } from './queries.ts';

/**
 * Adds a record. A request that names itself (request_id, Idempotency-Key) is done once within 24 hours, however often it is sent: the same
 * record again gets the first answer again, as it was then.
 * @throws Refusal INVALID_FIELDS, IDEMPOTENCY_KEY_REUSED, REQUEST_IN_PROGRESS
 */
export async function createRecord(
  request: CreateRecordRequest,
  { queries, caller, now }: Tools<ReturnType<typeof createRecordQueries>, unknown>,
): Promise<CreateRecordResponse> {
  const record = parseNewRecord(request, now());
  return { record: recordOf(await queries.createRecord(caller, randomUUIDv7(), record, attemptOf(request.requestId, record))) };
}
