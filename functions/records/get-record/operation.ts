import type { GetRecordRequest, GetRecordResponse } from '../../../proto/generated/records.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { recordOf } from '../record.ts';
import { refuse } from '../refusals.ts';
import type { getRecordQueries } from './queries.ts';

/**
 * One record of the caller's.
 * @throws Refusal NOT_FOUND, alike for no record and for somebody else's
 */
export async function getRecord(
  { recordId }: GetRecordRequest,
  { queries, caller }: Tools<ReturnType<typeof getRecordQueries>, unknown>,
): Promise<GetRecordResponse> {
  const row = await queries.readRecord(caller, recordId);
  if (row === undefined) throw refuse('NOT_FOUND');
  return { record: recordOf(row) };
}
