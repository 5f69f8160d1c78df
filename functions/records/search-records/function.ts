import { SearchRecords } from '../../../proto/generated/records.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { secretKey } from '../../runtime/settings.ts';
import { searchRecords } from './operation.ts';
import { searchRecordsQueries } from './queries.ts';

export default defineFunction({
  rpc: SearchRecords,
  operation: searchRecords,
  queries: searchRecordsQueries,
  settings: { pageTokenKey: secretKey('PAGE_TOKEN_KEY') },
  parts: ({ settings }) => ({ pageTokenKey: settings.pageTokenKey }),
  // A page of 200 records at their longest is some MiB of JSON: fewer at once than where answers are small.
  limits: { concurrency: 50, bodyBytesMax: 4 * 1024, poolMax: 3, cpuMilli: 200 },
});
