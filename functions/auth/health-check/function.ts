import { HealthCheck } from '../../../proto/generated/auth.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { healthCheck } from './operation.ts';
import { healthCheckQueries } from './queries.ts';

export default defineFunction({ rpc: HealthCheck, operation: healthCheck, queries: healthCheckQueries, limits: { poolMax: 1 } });
