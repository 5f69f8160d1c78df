import type { Sql } from '../../runtime/sql.ts';

export const healthCheckQueries = (sql: Sql) => ({
  /** Whether the database answers and has a key to sign tokens with. */
  health: async (): Promise<boolean> => {
    const [row] = await sql<{ healthy: boolean }>`select auth.health() as healthy`;
    return row?.healthy === true;
  },
});
