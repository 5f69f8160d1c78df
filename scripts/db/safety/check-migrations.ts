import type { Migration } from '../migrations.ts';
import { isWithoutTransaction, statementsOf } from '../without-transaction.ts';
import { madeBy, relationName } from './names.ts';
import { type Hazard, hazardsOf, type Known } from './rules.ts';
import { parseStatements, type Statement } from './statements.ts';

/** The first migrations made the database: nothing could run before them. */
const firstChecked = 4;

/**
 * Looks for steps that a release before this one would not live through, or that calls would wait for (expand, then contract). A hazard is
 * allowed where its author answers for it, in a comment before the statement:
 *
 *     -- contract: 0.4.0 no longer reads it                 what goes was last needed by a release before that one
 *     -- locks: a table of some hundred rows                why the lock is short
 *     -- unseen: makes the eight partitions                 what a DO block, a called function … does
 *
 * @param release the version of package.json: a contract can't name one that isn't made yet
 * @returns each fault as "0005_name.sql:12: what. Instead: …"
 */
export async function checkMigrations(migrations: readonly Migration[], release: string, first = firstChecked): Promise<string[]> {
  const faults: string[] = [];
  const history = new History();
  for (const migration of migrations) {
    let statements: Statement[];
    try {
      statements = await parseStatements(migration.sql);
    } catch (error) {
      faults.push(`${migration.name}:${(error as Error).message.replace(/^line (\d+):/, '$1:')}`);
      continue;
    }
    history.begin();
    for (const statement of statements) {
      const at = `${migration.name}:${statement.line}: `;
      if (migration.version >= first) {
        for (const hazard of hazardsOf(statement.node, history)) {
          const missing = unanswered(hazard, statement, release);
          if (missing) faults.push(`${at}${hazard.what}. Instead: ${hazard.instead}. ${missing}`);
        }
      }
      history.add(statement);
    }
    faults.push(...(await transactionFaults(migration, statements)));
  }
  return faults;
}

/** @returns what the author must write, '' where it stands there */
function unanswered({ kind }: Hazard, { notes }: Statement, release: string): string {
  const note = notes.find((candidate) => candidate.kind === kind);
  if (kind === 'contract') {
    const version = /^(\d+\.\d+\.\d+)\b.{3,}/.exec(note?.text ?? '')?.[1];
    if (version === undefined) return 'Or write "-- contract: RELEASE no longer …" before it, with the first release that does without';
    return compare(version, release) > 0 ? `The contract names ${version}, and this is ${release}` : '';
  }
  if (note !== undefined && note.text.length >= 10) return '';
  return kind === 'locks' ? 'Or write "-- locks: WHY it is short" before it' : 'Or write "-- unseen: WHAT it does" before it';
}

const compare = (one: string, other: string): number => one.localeCompare(other, 'en', { numeric: true });

/** A file that runs statement by statement is split without a parser when it is applied; both must see the same statements. */
async function transactionFaults(migration: Migration, statements: readonly Statement[]): Promise<string[]> {
  if (!isWithoutTransaction(migration.sql)) {
    return statements
      .filter(({ node }) => ('IndexStmt' in node && node.IndexStmt.concurrent) || ('DropStmt' in node && node.DropStmt.concurrent))
      .map(({ line }) => `${migration.name}:${line}: concurrently works in no transaction. Begin the file with "-- without transaction"`);
  }
  const split = statementsOf(migration.sql);
  const same = split.length === statements.length && (await Promise.all(split.map(parseStatements))).every((parts) => parts.length === 1);
  return same ? [] : [`${migration.name}:1: end each statement, and nothing else, with a semicolon at the end of its line`];
}

/** What the migrations so far have left. */
class History implements Known {
  #made = new Set<string>();
  #added = new Set<string>();
  /** Of CHECK (column is not null): "table.constraint" to its column, and which of them are validated. */
  readonly #checks = new Map<string, string>();
  readonly #validated = new Set<string>();

  begin(): void {
    this.#made = new Set();
    this.#added = new Set();
  }
  add({ node }: Statement): void {
    for (const name of madeBy(node)) this.#made.add(name);
    if (!('AlterTableStmt' in node)) return;
    const table = relationName(node.AlterTableStmt.relation);
    for (const command of node.AlterTableStmt.cmds ?? []) {
      if (!('AlterTableCmd' in command)) continue;
      const { subtype, name, def } = command.AlterTableCmd;
      if (subtype === 'AT_ValidateConstraint') this.#validated.add(`${table}.${name}`);
      if (subtype !== 'AT_AddConstraint' || def === undefined || !('Constraint' in def)) continue;
      const { conname, raw_expr, skip_validation } = def.Constraint;
      const key = `${table}.${conname}`;
      if (skip_validation) this.#added.add(key);
      else this.#validated.add(key);
      const test = raw_expr && 'NullTest' in raw_expr ? raw_expr.NullTest : undefined;
      const field =
        test?.nulltesttype === 'IS_NOT_NULL' && test.arg && 'ColumnRef' in test.arg ? test.arg.ColumnRef.fields?.at(-1) : undefined;
      if (field && 'String' in field) this.#checks.set(key, field.String.sval ?? '');
    }
  }
  /** A thing in a new schema is new, and so is what hangs on a new table. */
  isNew(name: string): boolean {
    return name.split('.').some((_, index, parts) => this.#made.has(parts.slice(0, index + 1).join('.')));
  }
  isCheckedNotNull(table: string, column: string): boolean {
    return [...this.#checks].some(([key, checked]) => key.startsWith(`${table}.`) && checked === column && this.#validated.has(key));
  }
  isAddedHere(table: string, constraint: string): boolean {
    return this.#added.has(`${table}.${constraint}`);
  }
}
