import type { Sql } from '../../runtime/sql.ts';
import type { UserRow } from '../user.ts';

export const validateTokenQueries = (sql: Sql) => ({
  /** The account of a session; undefined where it has ended. */
  liveUser: async (userId: string, sessionId: string): Promise<UserRow | undefined> => {
    const [row] = await sql<UserRow>`select id, email, created_at from auth.validate(${userId}, ${sessionId})`;
    return row;
  },
});
