import type { User } from '../../proto/generated/auth.ts';

/** An account as database functions give it. */
export interface UserRow {
  readonly id: string;
  readonly email: string;
  /** RFC 3339 in UTC, with milliseconds. */
  readonly created_at: string;
}

export const userFrom = (row: UserRow): User => ({ id: row.id, email: row.email, createdAt: row.created_at });
