import type { Jwk } from '../../../proto/generated/auth.ts';
import type { Sql } from '../../runtime/sql.ts';

export const getJwksQueries = (sql: Sql) => ({
  /** Every key whose tokens may be good now, and the next one before its first use. */
  verificationKeys: async (): Promise<Jwk[]> => (await sql<{ jwk: Jwk }>`select jwk from auth.verification_keys()`).map(({ jwk }) => jwk),
});
