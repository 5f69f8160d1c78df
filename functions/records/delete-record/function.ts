import { DeleteRecord } from '../../../proto/generated/records.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { recordsRefusals } from '../refusals.ts';
import { deleteRecord } from './operation.ts';
import { deleteRecordQueries } from './queries.ts';

export default defineFunction({
  rpc: DeleteRecord,
  operation: deleteRecord,
  queries: deleteRecordQueries,
  refusals: recordsRefusals,
  limits: { timeoutSeconds: 5, bodyBytesMax: 4 * 1024 },
});
