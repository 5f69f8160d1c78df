import type { Sql } from '../../runtime/sql.ts';
import type { UserRow } from '../user.ts';

export interface LoginRow extends UserRow {
  readonly password_hash: string;
  readonly disabled: boolean;
}

export const authenticateQueries = (sql: Sql) => ({
  /** The account of an e-mail address in its normal form. */
  findLogin: async (emailKey: string): Promise<LoginRow | undefined> => {
    const [row] = await sql<LoginRow>`select id, email, created_at, password_hash, disabled from auth.find_login(${emailKey})`;
    return row;
  },
  /** @throws Refusal INVALID_CREDENTIALS where the account was disabled since it was found. */
  openSession: async (userId: string, sessionId: string, refreshHash: Buffer): Promise<void> => {
    await sql`select auth.open_session(${userId}, ${sessionId}, ${refreshHash})`;
  },
  rehash: async (userId: string, oldHash: string, newHash: string): Promise<void> => {
    await sql`select auth.rehash(${userId}, ${oldHash}, ${newHash})`;
  },
});
