import { GetPriceStats } from '../../../proto/generated/records.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { getPriceStats } from './operation.ts';
import { getPriceStatsQueries } from './queries.ts';

export default defineFunction({
  rpc: GetPriceStats,
  operation: getPriceStats,
  queries: getPriceStatsQueries,
  limits: { concurrency: 50, bodyBytesMax: 4 * 1024, cpuMilli: 200 },
});
