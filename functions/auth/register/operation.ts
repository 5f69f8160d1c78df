import { randomUUIDv7 } from 'node:crypto';
import type { RegisterRequest, RegisterResponse } from '../../../proto/generated/auth.ts';
import type { Tools } from '../../runtime/define-function.ts';
import { refuseFields, type Violation } from '../../runtime/refusal.ts';
import { readEmail } from '../email.ts';
import { checkNewPassword, type Passwords } from '../passwords.ts';
import { newRefreshToken, type SignAccessToken } from '../tokens.ts';
import { userFrom } from '../user.ts';
import type { registerQueries } from './queries.ts';

export interface RegisterParts {
  readonly passwords: Passwords;
  readonly passwordLengthMin: number;
  readonly accessTokens: () => Promise<SignAccessToken>;
}

/**
 * Makes an account and its first session: one hash, one round trip.
 * @throws Refusal INVALID_FIELDS, EMAIL_TAKEN, TOO_BUSY
 */
export async function register(
  request: RegisterRequest,
  { queries, passwords, passwordLengthMin, accessTokens, signal }: Tools<ReturnType<typeof registerQueries>, RegisterParts>,
): Promise<RegisterResponse> {
  const faults: Violation[] = [];
  const email = readEmail(request.email, faults);
  checkNewPassword(request.password, passwordLengthMin, faults);
  if (faults.length > 0) throw refuseFields(faults);
  const signAccessToken = await accessTokens();
  const passwordHash = await passwords.hash(request.password, signal);
  const [userId, sessionId, refresh] = [randomUUIDv7(), randomUUIDv7(), newRefreshToken()];
  const created_at = await queries.register({ userId, email, passwordHash, sessionId, refreshHash: refresh.hash });
  return {
    token: await signAccessToken(userId, sessionId),
    user: userFrom({ id: userId, email: email.given, created_at }),
    refreshToken: refresh.text,
  };
}
