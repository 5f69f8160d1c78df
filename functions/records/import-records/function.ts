import { ImportRecords } from '../../../proto/generated/records.rpc.ts';
import { defineStream } from '../../runtime/define-function.ts';
import { recordsRefusals } from '../refusals.ts';
import { importRecords } from './operation.ts';
import { importRecordsQueries } from './queries.ts';

export default defineStream({
  rpc: ImportRecords,
  operation: importRecords,
  queries: importRecordsQueries,
  refusals: recordsRefusals,
  limits: {
    // 64 MiB is a file of some 400,000 rows; in 9 minutes it comes over a line of 1 Mbit/s. Knative allows no more than 600 s.
    bodyBytesMax: 64 * 1024 * 1024,
    timeoutSeconds: 540,
    // A file keeps a core busy while it comes: more at once would only wait for each other.
    concurrency: 4,
    scaleMax: 3,
    // One import alone was seen at 185 MiB, most of it garbage that V8 lets lie while there is room.
    memoryMib: 384,
  },
});
