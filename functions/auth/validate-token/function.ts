import type { JWK } from 'jose';
import { ValidateToken } from '../../../proto/generated/auth.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { createIdentity } from '../../runtime/identity.ts';
import { verifierSettings } from '../tokens.ts';
import { validateToken } from './operation.ts';
import { validateTokenQueries } from './queries.ts';

export default defineFunction({
  rpc: ValidateToken,
  operation: validateToken,
  queries: validateTokenQueries,
  settings: verifierSettings,
  parts: ({ settings, sql, now }) => ({
    identity: createIdentity({
      ...settings,
      fetchKeys: async () => (await sql<{ jwk: JWK }>`select jwk from auth.verification_keys()`).map(({ jwk }) => jwk),
      nowMs: () => now().getTime(),
    }),
  }),
});
