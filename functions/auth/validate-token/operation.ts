import type { ValidateTokenRequest, ValidateTokenResponse } from '../../../proto/generated/auth.ts';
import type { Caller, Tools } from '../../runtime/define-function.ts';
import type { Identity } from '../../runtime/identity.ts';
import { Refusal } from '../../runtime/refusal.ts';
import { userFrom } from '../user.ts';
import type { validateTokenQueries } from './queries.ts';

export interface ValidateTokenParts {
  readonly identity: Identity;
}

/**
 * Says whether an access token is good now, and whose it is. A bad one is an answer, not an error.
 * @throws Refusal UPSTREAM_UNAVAILABLE where that cannot be known: what is not known to be good is never called good, and not bad either.
 */
export async function validateToken(
  request: ValidateTokenRequest,
  { queries, identity }: Tools<ReturnType<typeof validateTokenQueries>, ValidateTokenParts>,
): Promise<ValidateTokenResponse> {
  const caller = await callerOf(request.token, identity);
  const user = caller && (await queries.liveUser(caller.userId, caller.sessionId));
  return { valid: user !== undefined, user: user && userFrom(user) };
}

async function callerOf(token: string, identity: Identity): Promise<Caller | undefined> {
  try {
    return await identity.verify(token);
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'UNAUTHENTICATED') return undefined;
    throw error;
  }
}
