import { loadModule, type Node, parseSync } from 'libpg-query';

/** What the author of a migration says about its next statement: "-- contract: 0.2.0 no longer reads it". */
export interface Note {
  readonly kind: 'contract' | 'locks' | 'unseen';
  readonly text: string;
}

/** One statement of a migration. */
export interface Statement {
  readonly node: Node;
  /** Of its first word, from 1. */
  readonly line: number;
  readonly text: string;
  /** From the comments between the statement before and this one. */
  readonly notes: readonly Note[];
}

/**
 * Splits SQL into statements, with PostgreSQL 17's own parser (libpg_query).
 * @throws Error with line and reason where PostgreSQL would refuse the text
 */
export async function parseStatements(sql: string): Promise<Statement[]> {
  await loadModule();
  // The parser counts bytes.
  const bytes = Buffer.from(sql);
  let parsed: { stmts: readonly { stmt: Node; stmt_location?: number; stmt_len?: number }[] };
  try {
    parsed = parseSync(sql);
  } catch (error) {
    const { message, sqlDetails } = error as Error & { sqlDetails?: { cursorPosition: number } };
    const line = bytes
      .subarray(0, sqlDetails?.cursorPosition ?? 0)
      .toString()
      .split('\n').length;
    throw new Error(`line ${line}: ${message}`, { cause: error });
  }
  return parsed.stmts.map(({ stmt, stmt_location: from = 0, stmt_len: length }) => {
    const whole = bytes.subarray(from, length === undefined ? undefined : from + length).toString();
    const comments = /^(?:\s|--.*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(whole)?.[0] ?? '';
    const before = bytes.subarray(0, from).toString() + comments;
    return { node: stmt, line: before.split('\n').length, text: whole.slice(comments.length).trim(), notes: notesOf(comments) };
  });
}

const notesOf = (comments: string): Note[] =>
  [...comments.matchAll(/^--\s*(contract|locks|unseen):[ \t]*(.*)$/gm)].map(([, kind, text = '']) => ({
    kind: kind as Note['kind'],
    text: text.trim(),
  }));
