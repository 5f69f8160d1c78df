import type { User } from '../../proto/generated/auth.ts';

/** An account as database functions give it. */
export interface UserRow {
  readonly id: string;
  readonly email: string;
  readonly created_at: Date;
}

export const userFrom = (row: UserRow): User => ({ id: row.id, email: row.email, createdAt: row.created_at.toISOString() });
