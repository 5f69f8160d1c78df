import type { Caller } from '../../runtime/define-function.ts';
import type { Sql } from '../../runtime/sql.ts';

interface Row {
  readonly value: string;
}

export const autocompleteQueries = (sql: Sql) => ({
  /**
   * Distinct values that begin with a prefix, as they are spelled in one of their records.
   * @param field the name of an AutocompleteField
   * @throws Refusal SESSION_ENDED
   */
  autocomplete: async ({ userId, sessionId }: Caller, field: string, prefix: string, limit: number): Promise<string[]> => {
    const rows = await sql<Row>`select value from records.autocomplete(${userId}, ${sessionId}, ${field}, ${prefix}, ${limit})`;
    return rows.map(({ value }) => value);
  },
});
