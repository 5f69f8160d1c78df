import type { RefreshTokenRequest, RefreshTokenResponse } from '../../../proto/generated/auth.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { refuseAuth } from '../refusals.ts';
import { childRefreshToken, parseRefreshToken, type SignAccessToken } from '../tokens.ts';
import type { refreshTokenQueries } from './queries.ts';

export interface RefreshTokenParts {
  readonly refreshTokenKey: Buffer;
  readonly accessTokens: () => Promise<SignAccessToken>;
}

/**
 * Exchanges a refresh token for a new pair (RFC 9700, 4.14.2): each works once, and reuse ends the session.
 * Two uses within 5 seconds get the same child: two tabs that wake up together, or a client whose answer was lost.
 * @throws Refusal INVALID_REFRESH_TOKEN
 */
export async function refreshToken(
  request: RefreshTokenRequest,
  { queries, refreshTokenKey, accessTokens }: Tools<ReturnType<typeof refreshTokenQueries>, RefreshTokenParts>,
): Promise<RefreshTokenResponse> {
  const parent = parseRefreshToken(request.refreshToken);
  if (parent === undefined) throw refuseAuth('INVALID_REFRESH_TOKEN');
  const child = childRefreshToken(refreshTokenKey, parent);
  // Before the parent is used up: a client that got no answer for want of a key must be able to try again.
  const signAccessToken = await accessTokens();
  const rotated = await queries.rotate(parent.hash, child.hash);
  if (rotated.outcome !== 'ROTATED') throw refuseAuth('INVALID_REFRESH_TOKEN', causeOf(rotated));
  return { token: await signAccessToken(rotated.user_id, rotated.session_id), refreshToken: child.text };
}

/** The log says which session ended because somebody has an old token of it; the client is not told. */
const causeOf = (rotated: { outcome: string; session_id?: string }) =>
  rotated.outcome === 'REUSED' ? { cause: new Error(`a refresh token was reused; session ${rotated.session_id} has ended`) } : {};
