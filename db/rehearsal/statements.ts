import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';

const root = join(import.meta.dirname, '../..');

/** A statement of a function, and what it answers. */
export interface Described {
  /** "functions/records/get-record/queries.ts" */
  readonly file: string;
  /** With $1, $2 … for the values. */
  readonly statement: string;
  /** "id uuid", "artist text" …, in their order. */
  readonly columns: readonly string[];
}

/** The files of functions that may hold statements. */
export const statementFiles = (): string[] =>
  globSync('functions/{auth,records,events,runtime}/**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('.test.ts'))
    .sort();

/** The statements of a source file: what stands in sql`…`, with $1, $2 … for the values. */
export function statementsOf(file: string): string[] {
  const source = file.replace(/^\s*(\*|\/\*|\/\/).*$/gm, '');
  const statements: string[] = [];
  for (const { index, 0: tag } of source.matchAll(/[sS]ql(<[^`;]*?>)?`/g)) {
    let text = '';
    let parameters = 0;
    for (let at = index + tag.length; source[at] !== '`'; at++) {
      if (source.startsWith('${', at)) {
        let depth = 0;
        do {
          if (source[at] === '{') depth++;
          if (source[at] === '}') depth--;
          at++;
        } while (depth > 0 || source[at - 1] === '$');
        at--;
        text += `$${++parameters}`;
      } else text += source[at];
    }
    statements.push(text.trim());
  }
  return statements;
}

/** The statements of the functions of a package, as they stand now. */
export const statementsOfPackage = (name: string): { file: string; statement: string }[] =>
  statementFiles()
    .filter((file) => file.startsWith(`functions/${name}/`))
    .flatMap((file) => statementsOf(readFileSync(join(root, file), 'utf8')).map((statement) => ({ file, statement })));

/**
 * Asks a database what statements answer, without running them.
 * @param url of the role that runs them: its rights are checked where they are prepared
 * @throws Error that names the statement which doesn't fit the database
 */
export async function describeStatements(url: string, statements: readonly { file: string; statement: string }[]): Promise<Described[]> {
  const sql = postgres(url, { max: 1, fetch_types: false });
  try {
    const types = new Map<number, string>();
    const described: Described[] = [];
    for (const { file, statement } of statements) {
      const { columns } = await sql
        .unsafe(statement)
        .describe()
        .catch((cause: Error) => {
          throw new Error(`${file}: ${statement}\n${cause.message}`, { cause });
        });
      for (const { type } of columns)
        if (!types.has(type)) types.set(type, (await sql`select ${type}::oid::regtype::text as name`)[0]?.name);
      described.push({ file, statement, columns: columns.map(({ name, type }) => `${name} ${types.get(type)}`) });
    }
    return described;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
