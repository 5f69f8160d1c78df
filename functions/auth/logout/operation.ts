import type { LogoutRequest, LogoutResponse } from '../../../proto/generated/auth.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { parseRefreshToken } from '../tokens.ts';
import type { logoutQueries } from './queries.ts';

/**
 * Ends the session of a refresh token, at once: every call asks the database whether its session is live.
 * Whoever logs out has what they want also where the token is unknown (RFC 7009, 2.2).
 */
export async function logout(
  request: LogoutRequest,
  { queries }: Tools<ReturnType<typeof logoutQueries>, unknown>,
): Promise<LogoutResponse> {
  const token = parseRefreshToken(request.refreshToken);
  if (token !== undefined) await queries.logout(token.hash);
  return {};
}
