import { CreateRecord } from '../../../proto/generated/records.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { recordsRefusals } from '../refusals.ts';
import { createRecord } from './operation.ts';
import { createRecordQueries } from './queries.ts';

export default defineFunction({
  rpc: CreateRecord,
  operation: createRecord,
  queries: createRecordQueries,
  refusals: recordsRefusals,
  // 256 KiB: notes, 50 aliases and 20 media at their longest, in UTF-8 with JSON's escapes.
  limits: { bodyBytesMax: 256 * 1024 },
});
