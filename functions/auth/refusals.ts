import { type RefusalTable, refusalsOf } from '../runtime/refusal.ts';

/** What only the auth functions refuse. */
export const authRefusals = {
  EMAIL_TAKEN: { grpc: 'ALREADY_EXISTS', http: 409, says: 'There is an account with this e-mail address already.' },
  // One answer for an unknown account, a wrong password and a disabled account: it must not tell which.
  INVALID_CREDENTIALS: { grpc: 'UNAUTHENTICATED', http: 401, says: 'The e-mail address or the password is not right.' },
  INVALID_REFRESH_TOKEN: { grpc: 'UNAUTHENTICATED', http: 401, says: 'The refresh token is not good any more; log in again.' },
} as const satisfies RefusalTable;

export const refuseAuth = refusalsOf(authRefusals);
