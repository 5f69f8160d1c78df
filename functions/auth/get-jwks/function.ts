import { GetJwks } from '../../../proto/generated/auth.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { getJwks } from './operation.ts';
import { getJwksQueries } from './queries.ts';

export default defineFunction({ rpc: GetJwks, operation: getJwks, queries: getJwksQueries, cacheSeconds: 300 });
