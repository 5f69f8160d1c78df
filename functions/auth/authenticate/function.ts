import { Authenticate } from '../../../proto/generated/auth.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { createPasswords, hashingLimits, passwordSettings } from '../passwords.ts';
import { authRefusals } from '../refusals.ts';
import { createAccessTokens, issuerSettings } from '../tokens.ts';
import { authenticate } from './operation.ts';
import { authenticateQueries } from './queries.ts';

export default defineFunction({
  rpc: Authenticate,
  operation: authenticate,
  queries: authenticateQueries,
  settings: { ...issuerSettings, ...passwordSettings },
  parts: (context) => ({ passwords: createPasswords(context.settings), accessTokens: createAccessTokens(context) }),
  refusals: authRefusals,
  limits: hashingLimits,
});
