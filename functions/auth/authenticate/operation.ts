import { randomUUIDv7 } from 'node:crypto';
import type { AuthenticateRequest, AuthenticateResponse } from '../../../proto/generated/auth.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { refuseFields, type Violation } from '../../runtime/refusal.ts';
import { readEmail } from '../email.ts';
import type { Passwords } from '../passwords.ts';
import { refuseAuth } from '../refusals.ts';
import { newRefreshToken, type SignAccessToken } from '../tokens.ts';
import { userFrom } from '../user.ts';
import type { authenticateQueries } from './queries.ts';

export interface AuthenticateParts {
  readonly passwords: Passwords;
  readonly accessTokens: () => Promise<SignAccessToken>;
}

/**
 * Opens a session for whoever knows the password: two round trips with one hash between them.
 * @throws Refusal INVALID_FIELDS, INVALID_CREDENTIALS, TOO_BUSY
 */
export async function authenticate(
  request: AuthenticateRequest,
  { queries, passwords, accessTokens, signal }: Tools<ReturnType<typeof authenticateQueries>, AuthenticateParts>,
): Promise<AuthenticateResponse> {
  const faults: Violation[] = [];
  const email = readEmail(request.email, faults);
  if (faults.length > 0) throw refuseFields(faults);

  const signAccessToken = await accessTokens();
  const account = await queries.findLogin(email.key);
  // Unknown, disabled or wrong: one hash is computed in any case, so that neither the answer nor its time tells which.
  const matches = await passwords.verify(request.password, account?.password_hash, signal);
  if (account === undefined || account.disabled || !matches) throw refuseAuth('INVALID_CREDENTIALS');

  // Only a login brings the password along, so only here can its hash follow a raised cost.
  if (passwords.outdated(account.password_hash))
    await queries.rehash(account.id, account.password_hash, await passwords.hash(request.password, signal));
  const [sessionId, refresh] = [randomUUIDv7(), newRefreshToken()];
  await queries.openSession(account.id, sessionId, refresh.hash);
  return { token: await signAccessToken(account.id, sessionId), refreshToken: refresh.text, user: userFrom(account) };
}
