import { GetFacets } from '../../../proto/generated/records.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { getFacets } from './operation.ts';
import { getFacetsQueries } from './queries.ts';

export default defineFunction({
  rpc: GetFacets,
  operation: getFacets,
  queries: getFacetsQueries,
  limits: { concurrency: 50, bodyBytesMax: 4 * 1024, cpuMilli: 200 },
});
