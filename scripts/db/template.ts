import { createHash, randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { bootstrap, bootstrapSql, type LoginRole } from './bootstrap.ts';
import { migrate } from './migrate.ts';
import { readMigrations } from './migrations.ts';

/** Any number: all makers of a template on one server meet at this advisory lock. */
const TEMPLATE_LOCK = 7_265_637;

/**
 * Makes sure that the server has a migrated database to clone from: one for each set of bootstrap and migrations, so that
 * an edited migration gets a new one. Processes at once take turns; a half-made one is never taken.
 * @param url of a superuser, database "postgres"
 * @returns the template's name
 */
export async function prepareTemplate(url: string, passwords: Readonly<Record<LoginRole, string>>): Promise<string> {
  const migrations = readMigrations();
  const hash = createHash('sha256').update(bootstrapSql());
  for (const { name, checksum } of migrations) hash.update(name).update(checksum);
  const name = `template_${hash.digest('hex').slice(0, 16)}`;
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} });
  try {
    if (await isTemplate(sql, name)) return name;
    await sql`select pg_advisory_lock(${TEMPLATE_LOCK})`;
    if (await isTemplate(sql, name)) return name;
    await sql.unsafe(`drop database if exists ${name} with (force)`);
    await sql.unsafe(`create database ${name}`);
    const own = new URL(url);
    own.pathname = `/${name}`;
    await bootstrap({ url: own.href, passwords });
    own.username = 'record_migrator';
    own.password = passwords.record_migrator;
    await migrate({ url: own.href, migrations });
    // Nobody may connect to it any more: a connection would make the cloning fail.
    await sql.unsafe(`alter database ${name} with is_template true allow_connections false`);
    return name;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/**
 * Makes a database from a template, in about 50 ms. Many may be made at once.
 * @param sql of a superuser, in another database
 * @returns its name
 */
export async function clone(sql: postgres.Sql, template: string): Promise<string> {
  const name = `test_${process.pid}_${randomBytes(6).toString('hex')}`;
  // Copying files is quicker than logging every page, where nothing waits for the disk.
  await sql.unsafe(`create database ${name} template ${template} strategy file_copy`);
  // A template's own privileges are not copied with it.
  await sql.unsafe(`revoke all on database ${name} from public;
    grant connect on database ${name} to record_migrator, auth_app, record_app;
    grant create, temporary on database ${name} to record_owner`);
  return name;
}

/** Makes sure of the template, and makes one database from it. */
export async function cloneTemplate(url: string, passwords: Readonly<Record<LoginRole, string>>): Promise<string> {
  const template = await prepareTemplate(url, passwords);
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} });
  try {
    return await clone(sql, template);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** It is marked as the last step. */
async function isTemplate(sql: postgres.Sql, name: string): Promise<boolean> {
  return (await sql`select from pg_catalog.pg_database where datname = ${name} and datistemplate`).length === 1;
}
