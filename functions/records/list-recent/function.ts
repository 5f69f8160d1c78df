import { ListRecent } from '../../../proto/generated/records.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { listRecent } from './operation.ts';
import { listRecentQueries } from './queries.ts';

export default defineFunction({
  rpc: ListRecent,
  operation: listRecent,
  queries: listRecentQueries,
  // A page of 200 records at their longest is some MiB of JSON: fewer at once than where answers are small.
  limits: { concurrency: 50, bodyBytesMax: 4 * 1024 },
});
