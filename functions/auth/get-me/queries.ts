import type { Sql } from '../../runtime/sql.ts';
import type { UserRow } from '../user.ts';

export const getMeQueries = (sql: Sql) => ({
  /** The caller's account. @throws Refusal SESSION_ENDED */
  getMe: async (userId: string, sessionId: string): Promise<UserRow> => {
    const [row] = await sql<UserRow>`select id, email, created_at from auth.get_me(${userId}, ${sessionId})`;
    return row as UserRow;
  },
});
