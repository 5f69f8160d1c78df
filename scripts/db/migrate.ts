import postgres from 'postgres';
import { isConnectionFault } from '../../functions/runtime/database-errors.ts';
import { type Migration, readMigrations } from './migrations.ts';

/** Any number: all runners of one database meet at this advisory lock. */
const MIGRATION_LOCK = 7_265_636;

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
 * Two runners at once take turns. A statement waits at most 5 s for a lock, so that a migration can't queue the whole traffic behind itself.
 * @throws Error that names the file and the remedy, where an applied file has changed, is missing, or a new one fails.
 */
export async function migrate({ url, onStep, migrations = readMigrations() }: MigrateOptions): Promise<{ applied: string[] }> {
  const sql = connect(url);
  try {
    await sql`set role record_owner`.catch((cause) => {
      throw new Error('The database has no role record_owner yet: run the bootstrap first (scripts/db/bootstrap.ts).', { cause });
    });
    await inTransaction(sql, async (transaction) => {
      await transaction`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
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

/** The driver's own `begin` sends a rollback also when the connection is gone, which ends the process. */
async function inTransaction<Result>(sql: postgres.Sql, work: (transaction: postgres.ReservedSql) => Promise<Result>): Promise<Result> {
  const transaction = await sql.reserve();
  try {
    await transaction`begin`;
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
  try {
    return await inTransaction(sql, async (transaction) => {
      await transaction`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
      const [before] = await transaction`select pg_current_xact_id()::text as id,
        exists (select from platform.migrations where version = ${migration.version}) as applied`;
      if (before?.applied) return false;
      await transaction`set local lock_timeout = '5s'`;
      await transaction.unsafe(migration.sql).simple();
      const [after] = await transaction`select pg_current_xact_id()::text as id`;
      if (after?.id !== before?.id) throw new Error('it ends its own transaction: take out its commit or rollback');
      await transaction`insert into platform.migrations (version, name, checksum)
        values (${migration.version}, ${migration.name}, ${migration.checksum})`;
      return true;
    });
  } catch (cause) {
    throw new Error(`${migration.name} was not applied: ${describe(cause, migration.sql)}`, { cause });
  }
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
  const remedy = code === '55P03' ? '; something holds a lock on a table it changes: run it again when that has ended' : '';
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
