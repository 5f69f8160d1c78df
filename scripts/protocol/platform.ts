import { randomBytes } from 'node:crypto';
import { authOperations, authTest, goodPassword, newEmail } from '../../functions/auth/testing.ts';
import type { Rpc } from '../../functions/runtime/contract.ts';
import { type Bundle, startBundle } from '../../functions/testing/bundle.ts';
import type { TestDatabase } from '../../functions/testing/database.ts';
import { CreateRecord } from '../../proto/generated/records.rpc.ts';
import type { KeyStore } from '../keys/signing-keys.ts';

/** An account with a live session. */
export interface Account {
  readonly userId: string;
  readonly email: string;
  readonly password: string;
  readonly token: string;
  readonly refreshToken: string;
}

/** One database for all functions, and the environment by which each finds it. */
export interface Platform {
  readonly database: TestDatabase;
  readonly keys: KeyStore;
  readonly issuer: string;
  readonly audience: string;
  environmentOf(rpc: Rpc): Record<string, string>;
  newAccount(): Promise<Account>;
  /** A new record of an account. @returns its id */
  newRecord(account: Account): Promise<string>;
  /** Ends the session of a refresh token, as Logout does. */
  endSession(refreshToken: string): Promise<void>;
  drop(): Promise<void>;
}

export async function startPlatform(): Promise<Platform> {
  const test = await authTest();
  const operations = await authOperations(test);
  const pageTokenKey = randomBytes(32).toString('base64');
  const environmentOf = (rpc: Rpc): Record<string, string> => ({
    ...test.environment,
    PAGE_TOKEN_KEY: pageTokenKey,
    DATABASE_URL: rpc.functionName.startsWith('auth-') ? test.database.authUrl : test.database.recordUrl,
  });
  let records: Promise<Bundle> | undefined;
  return {
    database: test.database,
    keys: test.keys,
    issuer: test.environment.TOKEN_ISSUER as string,
    audience: test.environment.TOKEN_AUDIENCE as string,
    environmentOf,
    async newAccount() {
      const email = newEmail();
      const { token, refreshToken, user } = await operations.register({ email, password: goodPassword });
      return { userId: user?.id ?? '', email, password: goodPassword, token, refreshToken };
    },
    async newRecord({ token }) {
      records ??= startBundle(CreateRecord.functionName, environmentOf(CreateRecord));
      const response = await fetch(`${(await records).origin}/api/records`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ artist: 'Neu!', name: 'Neu! 75', notes: 'on Brain', recordGrade: 'VG+', aliases: ['Neu'] }),
      });
      const { id } = (await response.json()) as { id?: string };
      if (id === undefined) throw new Error(`no record was made: ${response.status}`);
      return id;
    },
    endSession: async (refreshToken) => void (await operations.logout({ refreshToken })),
    async drop() {
      await (await records)?.stop();
      await operations.close();
      await test.drop();
    },
  };
}
