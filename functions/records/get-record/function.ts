import { GetRecord } from '../../../proto/generated/records.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { getRecord } from './operation.ts';
import { getRecordQueries } from './queries.ts';

export default defineFunction({
  rpc: GetRecord,
  operation: getRecord,
  queries: getRecordQueries,
  // Asked most often, and answered in a millisecond.
  limits: { timeoutSeconds: 5, bodyBytesMax: 4 * 1024, scaleMax: 10 },
});
