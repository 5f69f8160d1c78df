import type { Sql } from '../../runtime/sql.ts';
import type { Email } from '../email.ts';

export interface NewAccount {
  readonly userId: string;
  readonly email: Email;
  readonly passwordHash: string;
  readonly sessionId: string;
  readonly refreshHash: Buffer;
}

export const registerQueries = (sql: Sql) => ({
  /** Stores an account with its first session; when. @throws Refusal EMAIL_TAKEN */
  register: async ({ userId, email, passwordHash, sessionId, refreshHash }: NewAccount): Promise<string> => {
    const [row] = await sql<{ created_at: string }>`select created_at
      from auth.register(${userId}, ${email.given}, ${email.key}, ${passwordHash}, ${sessionId}, ${refreshHash}) as created_at`;
    return (row as { created_at: string }).created_at;
  },
});
