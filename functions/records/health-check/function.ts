import { HealthCheck } from '../../../proto/generated/records.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { healthCheck } from './operation.ts';
import { healthCheckQueries } from './queries.ts';

export default defineFunction({
  rpc: HealthCheck,
  operation: healthCheck,
  queries: healthCheckQueries,
  limits: { timeoutSeconds: 5, bodyBytesMax: 4 * 1024, poolMax: 1, scaleMax: 2 },
});
