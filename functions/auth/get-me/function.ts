import { GetMe } from '../../../proto/generated/auth.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { getMe } from './operation.ts';
import { getMeQueries } from './queries.ts';

export default defineFunction({ rpc: GetMe, operation: getMe, queries: getMeQueries });
