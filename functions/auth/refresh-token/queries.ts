import type { Sql } from '../../runtime/sql.ts';

export type RotationRow =
  | { readonly outcome: 'ROTATED'; readonly user_id: string; readonly session_id: string }
  | { readonly outcome: 'REUSED'; readonly user_id: string; readonly session_id: string }
  | { readonly outcome: 'INVALID' };

export const refreshTokenQueries = (sql: Sql) => ({
  /** Exchanges the parent for the child, or says why not; a parent that was used more than 5 seconds ago ends its session. */
  rotate: async (parentHash: Buffer, childHash: Buffer): Promise<RotationRow> => {
    const [row] = await sql<RotationRow>`select outcome, user_id, session_id from auth.rotate_refresh(${parentHash}, ${childHash})`;
    return row as RotationRow;
  },
});
