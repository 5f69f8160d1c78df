import type { GetMeRequest, GetMeResponse } from '../../../proto/generated/auth.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { userFrom } from '../user.ts';
import type { getMeQueries } from './queries.ts';

/** The account of the caller. @throws Refusal SESSION_ENDED */
export async function getMe(_: GetMeRequest, { queries, caller }: Tools<ReturnType<typeof getMeQueries>, unknown>): Promise<GetMeResponse> {
  return { user: userFrom(await queries.getMe(caller.userId, caller.sessionId)) };
}
