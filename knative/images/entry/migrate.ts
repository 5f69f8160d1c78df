/**
 * The image `migrate`: brings a database up to what this release of the functions needs, and may be run again at any time.
 *   ADMIN_DATABASE_URL   postgres://… of a superuser, straight to PostgreSQL, naming the database, which is made where it is missing.
 *                        Without it roles and extensions are left as they are (db/bootstrap.sql must have been run).
 *   DATABASE_URL         the same database as record_migrator, with the password that it gets
 *   AUTH_APP_VERIFIER, RECORD_APP_VERIFIER
 *                        with ADMIN_DATABASE_URL: what PgBouncer's auth_file has for these roles ("SCRAM-SHA-256$4096:…"), or a password
 *   KEY_ENCRYPTION_KEY   32 bytes in base64, as the auth functions have it: a signing key is made where there is none
 *   WAIT_SECONDS         how long to wait for PostgreSQL to answer; 60
 * Each may also come from a file: NAME_FILE. Prints a line of JSON for each step. Exit codes: 0 done, 1 failed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { bootstrap } from '../../../scripts/db/bootstrap.ts';
import { createDatabase } from '../../../scripts/db/create-database.ts';
import { migrate } from '../../../scripts/db/migrate.ts';
import { ensureSigningKey } from '../../../scripts/keys/signing-keys.ts';
import { Fault, log, main, optional, setting } from './settings.ts';

/** Until a server answers, be it with a refusal: what is wrong then is said by the step that meets it. */
async function waitForServer(url: string, seconds: number): Promise<void> {
  const server = new URL(url);
  for (let end = Date.now() + seconds * 1000; ; await sleep(500)) {
    const sql = postgres(url, { max: 1, fetch_types: false, connect_timeout: 3, onnotice: () => {} });
    try {
      await sql`select 1`;
      return;
    } catch (error) {
      const { code = '', message } = error as { code?: string; message: string };
      // A class of SQLSTATE means that a server answered; 57P03: it is starting, or ending.
      if (/^[0-9A-Z]{5}$/.test(code) && code !== '57P03') return;
      if (Date.now() > end) throw new Fault(`PostgreSQL at ${server.host} does not answer (${message}).`);
    } finally {
      await sql.end({ timeout: 1 }).catch(() => {});
    }
  }
}

await main(async () => {
  const admin = optional('ADMIN_DATABASE_URL');
  const url = setting('DATABASE_URL');
  const keyEncryptionKey = Buffer.from(setting('KEY_ENCRYPTION_KEY'), 'base64');
  if (keyEncryptionKey.length !== 32) throw new Fault('KEY_ENCRYPTION_KEY must be 32 bytes in base64.');
  await waitForServer(admin ?? url, Number(optional('WAIT_SECONDS') ?? 60));
  if (admin !== undefined) {
    await createDatabase(admin);
    await bootstrap({
      url: admin,
      passwords: {
        record_migrator: decodeURIComponent(new URL(url).password),
        auth_app: setting('AUTH_APP_VERIFIER'),
        record_app: setting('RECORD_APP_VERIFIER'),
      },
    });
    log('INFO', 'roles, extensions and passwords are in place');
  }
  const { applied } = await migrate({
    url,
    onStep: (name, milliseconds) => log('INFO', `applied ${name} in ${milliseconds.toFixed(0)} ms`),
  });
  if (applied.length === 0) log('INFO', 'the database has every migration');
  const kid = await ensureSigningKey({ url, keyEncryptionKey });
  if (kid !== undefined) log('INFO', `made the signing key ${kid}`);
});
