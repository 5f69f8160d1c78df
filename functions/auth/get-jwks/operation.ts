import type { GetJwksRequest, GetJwksResponse } from '../../../proto/generated/auth.ts';
import type { Tools } from '../../runtime/define-function.ts';
import type { getJwksQueries } from './queries.ts';

/** The JSON Web Key Set (RFC 7517, section 5) that verifies access tokens. */
export async function getJwks(_: GetJwksRequest, { queries }: Tools<ReturnType<typeof getJwksQueries>, unknown>): Promise<GetJwksResponse> {
  return { keys: await queries.verificationKeys() };
}
