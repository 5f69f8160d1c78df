import type { Sql } from '../../runtime/sql.ts';

export const logoutQueries = (sql: Sql) => ({
  /** Ends the session of a refresh token; nothing where there is none. */
  logout: async (refreshHash: Buffer): Promise<void> => {
    await sql`select auth.logout(${refreshHash})`;
  },
});
