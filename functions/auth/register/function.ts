import { Register } from '../../../proto/generated/auth.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { createPasswords, hashingLimits, newPasswordSettings, passwordSettings } from '../passwords.ts';
import { authRefusals } from '../refusals.ts';
import { createAccessTokens, issuerSettings } from '../tokens.ts';
import { register } from './operation.ts';
import { registerQueries } from './queries.ts';

export default defineFunction({
  rpc: Register,
  operation: register,
  queries: registerQueries,
  settings: { ...issuerSettings, ...passwordSettings, ...newPasswordSettings },
  parts: (context) => ({
    passwords: createPasswords(context.settings),
    passwordLengthMin: context.settings.passwordLengthMin,
    accessTokens: createAccessTokens(context),
  }),
  refusals: authRefusals,
  limits: hashingLimits,
});
