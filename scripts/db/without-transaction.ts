const marker = /^-- without transaction\b/;

/**
 * Whether a migration runs statement by statement, each committed by itself: what `create index concurrently` needs. Such a file must be
 * safe to run again from its beginning, because it may stop in the middle: `if not exists` everywhere.
 */
export const isWithoutTransaction = (sql: string): boolean => marker.test(sql);

/**
 * Splits such a file at each semicolon that ends a line: enough for plain statements, and `npm run check` compares it with PostgreSQL's own
 * parser.
 */
export const statementsOf = (sql: string): string[] =>
  sql
    .split(/;[ \t]*(?:\n|$)/)
    .map((text) => text.trim())
    .filter((text) => text.replace(/^--.*$/gm, '').trim() !== '');
