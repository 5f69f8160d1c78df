import { ExportRecords } from '../../../proto/generated/records.rpc.ts';
import { defineStream } from '../../runtime/define-function.ts';
import { recordsRefusals } from '../refusals.ts';
import { exportRecords } from './operation.ts';
import { exportRecordsQueries } from './queries.ts';

export default defineStream({
  rpc: ExportRecords,
  operation: exportRecords,
  queries: exportRecordsQueries,
  refusals: recordsRefusals,
  // A million records over a slow line take minutes.
  limits: { bodyBytesMax: 4 * 1024, timeoutSeconds: 540, concurrency: 20, scaleMax: 3 },
});
