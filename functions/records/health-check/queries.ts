import type { Sql } from '../../runtime/sql.ts';

export const healthCheckQueries = (sql: Sql) => ({
  /** Whether the database answers. */
  health: async (): Promise<boolean> => {
    const [row] = await sql<{ healthy: boolean }>`select records.health() as healthy`;
    return row?.healthy === true;
  },
});
