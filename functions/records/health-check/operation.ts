import type { HealthCheckRequest, HealthCheckResponse } from '../../../proto/generated/records.ts';
import type { Tools } from '../../runtime/define-function.ts';
import type { healthCheckQueries } from './queries.ts';

/** Whoever asks wants to know soon; a database that takes longer is not healthy. */
const answerWithinMs = 2000;

/** Says whether records can be used here: that the database can't be reached is an answer and no error. */
export async function healthCheck(
  _: HealthCheckRequest,
  { queries, version }: Tools<ReturnType<typeof healthCheckQueries>, unknown>,
): Promise<HealthCheckResponse> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, answerWithinMs, false);
  });
  const healthy = await Promise.race([queries.health().catch(() => false), late]);
  clearTimeout(timer);
  return { healthy, version };
}
