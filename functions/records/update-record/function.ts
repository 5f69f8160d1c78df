import { UpdateRecord } from '../../../proto/generated/records.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { recordsRefusals } from '../refusals.ts';
import { updateRecord } from './operation.ts';
import { updateRecordQueries } from './queries.ts';

export default defineFunction({
  rpc: UpdateRecord,
  operation: updateRecord,
  queries: updateRecordQueries,
  refusals: recordsRefusals,
  // As large as what CreateRecord takes: PUT sends a whole record.
  limits: { bodyBytesMax: 256 * 1024 },
});
