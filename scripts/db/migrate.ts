import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { isConnectionFault } from '../../functions/runtime/database-errors.ts';
import { type Migration, readMigrations } from './migrations.ts';
import { isWithoutTransaction, statementsOf } from './without-transaction.ts';

/** Any number: all runners of one database meet at this advisory lock. */
const MIGRATION_LOCK = 7_265_636;
const turnPauseMs = 50;

/**
 * Behind a migration that waits for a table's lock, every call that wants the table waits too: so it gives up soon, and comes again when
 * the calls have gone through. In all it tries for half a minute, which is longer than any call of a function may hold a lock (20 s).
 */
const lockTimeoutMs = 1_000;
const lockTries = 12;
const lockPauseMs = 1_500;
/** A statement of a migration that takes longer belongs into batches; one that is known to may `set local` more, with its reason. */
const statementTimeout = '60s';
/** `create index concurrently` lets calls go on, and waits for transactions that run now. A deploy's job ends after 30 min. */
const concurrentTimeout = '25min';
const concurrentLockTimeout = '60s';

export interface MigrateOptions {
  /** Of record_migrator (or of a superuser, in tests). */
  readonly url: string;
  /** Told of each file when it has been applied. */
  readonly onStep?: (name: string, milliseconds: number) => void;
  readonly migrations?: readonly Migration[];
}

export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
  readonly applied_at: Date;
}

/**
 * Brings a database that was bootstrapped up to the newest migration, as record_owner.
 * Each file and its bookkeeping are one transaction: a crash leaves whole migrations, and running again goes on from there.
 * Two runners at once take turns. A statement waits at most 1 s for a lock, so that a migration can't queue the whole traffic behind itself,
 * and is tried again for half a minute. A file that begins with "-- without transaction" runs statement by statement.
 * @throws Error that names the file and the remedy, where an applied file has changed, is missing, or a new one fails.
 */
export async function migrate({ url, onStep, migrations = readMigrations() }: MigrateOptions): Promise<{ applied: string[] }> {
  const sql = connect(url);
  try {
    await sql`set role record_owner`.catch((cause) => {
      throw new Error('The database has no role record_owner yet: run the bootstrap first (scripts/db/bootstrap.ts).', { cause });
    });
    await inTransaction(sql, async (transaction) => {
      await transaction`create table if not exists platform.migrations (
        version integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now()
      )`;
    });
    checkApplied(await readApplied(sql), migrations);
    const applied: string[] = [];
    for (const migration of migrations) {
      const startedAt = performance.now();
      if (!(await applyOne(sql, migration))) continue;
      applied.push(migration.name);
      onStep?.(migration.name, performance.now() - startedAt);
    }
    return { applied };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Which migrations a database has, and which of the files it lacks. */
export async function migrationStatus(
  url: string,
  migrations = readMigrations(),
): Promise<{ applied: AppliedMigration[]; pending: Migration[] }> {
  const sql = connect(url);
  try {
    await sql`set role record_owner`;
    const [table] = await sql`select to_regclass('platform.migrations') is not null as exists`;
    const applied = table?.exists ? await readApplied(sql) : [];
    const versions = new Set(applied.map(({ version }) => version));
    return { applied, pending: migrations.filter(({ version }) => !versions.has(version)) };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/**
 * Runs a transaction when no other runner is in one. It asks again and again, each time in a transaction of its own: `create index
 * concurrently` of the other runner waits for whoever it sees in one.
 * (The driver's own `begin` sends a rollback also when the connection is gone, which ends the process.)
 */
async function inTransaction<Result>(sql: postgres.Sql, work: (transaction: postgres.ReservedSql) => Promise<Result>): Promise<Result> {
  const transaction = await sql.reserve();
  try {
    for (;;) {
      await transaction`begin`;
      const [turn] = await transaction`select pg_try_advisory_xact_lock(${MIGRATION_LOCK}) as mine`;
      if (turn?.mine) break;
      await transaction`rollback`;
      await sleep(turnPauseMs);
    }
    const result = await work(transaction);
    await transaction`commit`;
    transaction.release();
    return result;
  } catch (error) {
    if (!isConnectionFault(error)) {
      await transaction`rollback`;
      transaction.release();
    }
    throw error;
  }
}

/** True where this runner applied it; false where it had been applied. */
async function applyOne(sql: postgres.Sql, migration: Migration): Promise<boolean> {
  const apply = isWithoutTransaction(migration.sql) ? applyStatements : applyWhole;
  for (let tries = 1; ; tries++) {
    try {
      return await apply(sql, migration);
    } catch (cause) {
      if ((cause as { code?: string }).code !== '55P03' || tries === lockTries)
        throw new Error(`${migration.name} was not applied: ${describe(cause, migration.sql)}`, { cause });
      await sleep(lockPauseMs);
    }
  }
}

/** In one transaction, together with its bookkeeping. */
const applyWhole = (sql: postgres.Sql, migration: Migration): Promise<boolean> =>
  inTransaction(sql, async (transaction) => {
    const [before] = await transaction`select pg_current_xact_id()::text as id`;
    if (await isApplied(transaction, migration)) return false;
    await transaction.unsafe(`set local lock_timeout = ${lockTimeoutMs}; set local statement_timeout = '${statementTimeout}'`).simple();
    await transaction.unsafe(migration.sql).simple();
    const [after] = await transaction`select pg_current_xact_id()::text as id`;
    if (after?.id !== before?.id) throw new Error('it ends its own transaction: take out its commit or rollback');
    await book(transaction, migration);
    return true;
  });

/** Each statement commits by itself. A crash in between leaves some of them done: running again begins at the first, which then finds its work done. */
async function applyStatements(sql: postgres.Sql, migration: Migration): Promise<boolean> {
  const session = await sql.reserve();
  try {
    for (;;) {
      const [row] = await session`select pg_try_advisory_lock(${MIGRATION_LOCK}) as mine`;
      if (row?.mine) break;
      await sleep(turnPauseMs);
    }
    if (await isApplied(session, migration)) return false;
    await session.unsafe(`set lock_timeout = '${concurrentLockTimeout}'; set statement_timeout = '${concurrentTimeout}'`).simple();
    for (const statement of statementsOf(migration.sql)) {
      await dropInvalid(session, statement);
      await session.unsafe(statement).simple();
    }
    await book(session, migration);
    return true;
  } finally {
    await session
      .unsafe(`reset lock_timeout; reset statement_timeout; select pg_advisory_unlock_all()`)
      .simple()
      .catch(() => {});
    session.release();
  }
}

/** An index whose making was cut off stays, invalid, and `if not exists` would take it for done. */
async function dropInvalid(session: postgres.ReservedSql, statement: string): Promise<void> {
  const [, index, schema] = /\bindex concurrently if not exists (\w+)\s+on (\w+)\./i.exec(statement) ?? [];
  if (index === undefined || schema === undefined) return;
  const [invalid] = await session`select from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
    where c.relname = ${index} and c.relnamespace = ${schema}::regnamespace and not i.indisvalid`;
  if (invalid) await session.unsafe(`drop index concurrently ${schema}.${index}`).simple();
}

async function isApplied(sql: postgres.ReservedSql, { version }: Migration): Promise<boolean> {
  const [row] = await sql`select exists (select from platform.migrations where version = ${version}) as applied`;
  return row?.applied === true;
}

async function book(sql: postgres.ReservedSql, { version, name, checksum }: Migration): Promise<void> {
  await sql`insert into platform.migrations (version, name, checksum) values (${version}, ${name}, ${checksum})`;
}

async function readApplied(sql: postgres.Sql): Promise<AppliedMigration[]> {
  return sql<AppliedMigration[]>`select version, name, checksum, applied_at from platform.migrations order by version`;
}

function checkApplied(applied: readonly AppliedMigration[], migrations: readonly Migration[]): void {
  const files = new Map(migrations.map((migration) => [migration.version, migration]));
  for (const { version, name, checksum } of applied) {
    const file = files.get(version);
    if (file === undefined)
      throw new Error(`The database has ${name}, and db/migrations has not: use a checkout that is at least as new as the database.`);
    if (file.checksum !== checksum)
      throw new Error(
        `${file.name} has changed since it was applied: put the file back and write the change as a new migration. A local database that may be thrown away can be removed instead.`,
      );
  }
  const newest = applied.at(-1)?.version ?? 0;
  const versions = new Set(applied.map(({ version }) => version));
  const late = migrations.find(({ version }) => version < newest && !versions.has(version));
  if (late) throw new Error(`${late.name} is new but its number is older than what the database has: give it the next free number.`);
}

function describe(cause: unknown, sql: string): string {
  const { message, code, position, where } = cause as { message: string; code?: string; position?: string; where?: string };
  const line = position === undefined ? '' : ` (line ${sql.slice(0, Number(position)).split('\n').length})`;
  const remedy =
    code === '55P03'
      ? '; something holds a lock on a table it changes: run it again when that has ended'
      : code === '57014'
        ? `; a statement may take ${isWithoutTransaction(sql) ? concurrentTimeout : statementTimeout}: do it in smaller steps, or set statement_timeout there, with "-- locks: WHY" before it`
        : '';
  return `${message}${line}${where === undefined ? '' : `, in ${where}`}${remedy}`;
}

function connect(url: string): postgres.Sql {
  return postgres(url, {
    max: 1,
    prepare: false,
    fetch_types: false,
    connect_timeout: 5,
    onnotice: () => {},
    connection: { application_name: 'record-platform migrate' },
  });
}
