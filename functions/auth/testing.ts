import { randomBytes, randomUUID } from 'node:crypto';
import { ensureSigningKey, type KeyStore } from '../../scripts/keys/signing-keys.ts';
import { openDatabase } from '../runtime/database.ts';
import type { Caller, FunctionDefinition } from '../runtime/define-function.ts';
import { commonRefusals } from '../runtime/refusal.ts';
import { readSettings, type Settings } from '../runtime/settings.ts';
import { type TestDatabase, testDatabase } from '../testing/database.ts';
import authenticate from './authenticate/function.ts';
import getMe from './get-me/function.ts';
import logout from './logout/function.ts';
import refreshToken from './refresh-token/function.ts';
import { authRefusals } from './refusals.ts';
import register from './register/function.ts';
import validateToken from './validate-token/function.ts';

/** A database of its own with a signing key, and what a process of an auth function finds in its environment. */
export interface AuthTest {
  readonly database: TestDatabase;
  readonly keys: KeyStore;
  readonly environment: Record<string, string>;
  drop(): Promise<void>;
}

export async function authTest(): Promise<AuthTest> {
  const database = await testDatabase();
  // As the superuser: record_migrator has few connections, and many tests run at once.
  const keys = { url: database.direct.superuserUrl, keyEncryptionKey: randomBytes(32) };
  await ensureSigningKey(keys);
  const environment = {
    DATABASE_URL: database.authUrl,
    TOKEN_ISSUER: 'https://record.test',
    TOKEN_AUDIENCE: 'record-platform',
    KEY_ENCRYPTION_KEY: keys.keyEncryptionKey.toString('base64'),
    REFRESH_TOKEN_KEY: randomBytes(32).toString('base64'),
    // The lowest that is allowed: tests hash often.
    BCRYPT_COST: '10',
    PASSWORD_LENGTH_MIN: '8',
  };
  return { database, keys, environment, drop: () => database.drop() };
}

/** The operations as their function.ts puts them together, on a real database, but without a transport. */
export async function authOperations(test: AuthTest, environment: Record<string, string> = {}) {
  const variables = { ...test.environment, ...environment };
  const refusals = { ...commonRefusals, ...authRefusals };
  const pool = openDatabase({ url: variables.DATABASE_URL as string, prepare: true, poolMax: 4, applicationName: 'auth tests', refusals });
  const now = () => new Date();
  const bind = async <Request, Response, Queries, Spec extends Settings, Parts>(
    definition: FunctionDefinition<Request, Response, Queries, Spec, Parts>,
  ) => {
    const settings = readSettings((definition.settings ?? {}) as Spec, variables);
    const parts = (await definition.parts?.({ settings, sql: pool.sql, now })) as Parts;
    const queries = definition.queries?.(pool.sql) as Queries;
    return async (request: Request, caller: Caller = { userId: '', sessionId: '' }): Promise<Response> =>
      await definition.operation(request, { ...parts, queries, caller, now, signal: new AbortController().signal, version: 'test' });
  };
  return {
    register: await bind(register),
    authenticate: await bind(authenticate),
    refreshToken: await bind(refreshToken),
    logout: await bind(logout),
    validateToken: await bind(validateToken),
    getMe: await bind(getMe),
    close: () => pool.close(),
  };
}

/** An address that no other test has. */
export const newEmail = (): string => `${randomUUID()}@example.com`;
export const goodPassword = 'correct horse battery';
