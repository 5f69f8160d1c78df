import { RefreshToken } from '../../../proto/generated/auth.rpc.ts';
import { defineFunction } from '../../runtime/define-function.ts';
import { authRefusals } from '../refusals.ts';
import { createAccessTokens, issuerSettings, refreshSettings } from '../tokens.ts';
import { refreshToken } from './operation.ts';
import { refreshTokenQueries } from './queries.ts';

export default defineFunction({
  rpc: RefreshToken,
  operation: refreshToken,
  queries: refreshTokenQueries,
  settings: { ...issuerSettings, ...refreshSettings },
  parts: (context) => ({ refreshTokenKey: context.settings.refreshTokenKey, accessTokens: createAccessTokens(context) }),
  refusals: authRefusals,
});
