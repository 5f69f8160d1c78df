import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../build/build.ts';
import { findFunctions } from '../build/functions.ts';
import { archiveSettings, placeOf, prepare, turnOff } from '../db/backup/place.ts';
import { bootstrap } from '../db/bootstrap.ts';
import { createDatabase } from '../db/create-database.ts';
import { migrate } from '../db/migrate.ts';
import { ensureSigningKey } from '../keys/signing-keys.ts';
import { Remedy } from '../tools/install.ts';
import { startCaddy } from './caddy.ts';
import { startFunction } from './functions.ts';
import { assertPortFree, endLeftovers, type Part } from './part.ts';
import { startPgBouncer } from './pgbouncer.ts';
import { startPostgres } from './postgres.ts';
import { claimState, databaseUrl, type Secrets, type StackSettings, stackSecrets } from './state.ts';
import { type Supervised, supervise } from './supervise.ts';

/** The local stack, running and supervised. */
export interface Stack {
  /** "https://record.local:8443" */
  readonly origin: string;
  /** PEM file of the root to trust. */
  readonly rootCertificate: string;
  /** Every part by its name: postgres, pgbouncer, caddy, records-get-record … `part.pid` is the process that runs now. */
  readonly parts: ReadonlyMap<string, Supervised>;
  /** Ends everything, the edge first and PostgreSQL last. */
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly settings: StackSettings;
  /** Told of each part that is ready, with its address. */
  readonly onPart?: (name: string, address: string) => void;
  /** Told what is being done, and of parts that die and live again. */
  readonly say?: (line: string) => void;
  /** More environment for the functions: OTEL_EXPORTER_OTLP_ENDPOINT, BCRYPT_COST … */
  readonly environment?: Readonly<Record<string, string>>;
  /** Gives up starting: what runs already is ended, and startStack throws the signal's reason. */
  readonly signal?: AbortSignal;
}

const projectRoot = join(import.meta.dirname, '../..');

/**
 * Builds what has changed, and starts PostgreSQL, PgBouncer, every function and Caddy on this machine. Nothing is left running when
 * it throws.
 * @throws Remedy, or an Error of the build or of a migration
 */
export async function startStack({ settings, onPart = () => {}, say = () => {}, environment = {}, signal }: StackOptions): Promise<Stack> {
  const release = claimState(settings);
  const givenUp = new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  const parts = new Map<string, Supervised>();
  const started = async (name: string, address: string, start: () => Promise<Part>): Promise<Part> => {
    const supervised = await supervise(start, say);
    parts.set(name, supervised);
    onPart(name, address);
    return supervised.part;
  };
  const stop = async (): Promise<void> => {
    const end = (names: readonly string[]) => Promise.all(names.map((name) => parts.get(name)?.stop()));
    // Nobody loses what they wait for: each part ends after those that call it.
    await end(['caddy']);
    await end([...parts.keys()].filter((name) => !['caddy', 'pgbouncer', 'postgres'].includes(name)));
    await end(['pgbouncer']);
    await end(['postgres']);
    release();
  };
  try {
    await endLeftovers(settings.folder);
    const names = findFunctions(projectRoot).map(({ name }) => name);
    assertPortsFree(settings, names.length);
    const secrets = stackSecrets(settings);
    const work = [startDatabase(settings, secrets, started, say), build({ onProgress: ({ name, made }) => made && say(`built ${name}`) })];
    await Promise.race([allOrFirstError(work), givenUp]);
    const dist = ownBundles(settings.folder, names);
    const origin = `https://record.local:${settings.edgePort}`;
    const address = (name: string): string => `127.0.0.1:${settings.functionsPort + names.indexOf(name)}`;
    const functions = names.map((name, index) => {
      const port = settings.functionsPort + index;
      const own = { ...functionEnvironment(name, settings, secrets), ...environment };
      return started(name, `http://${address(name)}`, () => startFunction({ name, folder: settings.folder, port, environment: own, dist }));
    });
    const upstreams = Object.fromEntries(names.map((name) => [name, address(name)]));
    const edge = { folder: settings.folder, port: settings.edgePort, upstreams };
    await Promise.race([allOrFirstError([...functions, started('caddy', origin, () => startCaddy(edge))]), givenUp]);
    return { origin, rootCertificate: join(settings.folder, 'ca/root.crt'), parts, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A copy of the bundles for this stack alone: a build meanwhile takes away files that a running function loads on first need. */
function ownBundles(folder: string, names: readonly string[]): string {
  const own = join(folder, 'dist');
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  for (const name of names) cpSync(join(projectRoot, 'dist', name), join(own, name), { recursive: true });
  return own;
}

/** Before anything is built or started, so that one sees it at once. */
function assertPortsFree({ postgresPort, pgbouncerPort, functionsPort, edgePort }: StackSettings, functions: number): void {
  assertPortFree(edgePort, 'RECORD_PLATFORM_EDGE_PORT');
  assertPortFree(edgePort, 'RECORD_PLATFORM_EDGE_PORT', 'udp');
  assertPortFree(postgresPort, 'RECORD_PLATFORM_POSTGRES_PORT');
  assertPortFree(pgbouncerPort, 'RECORD_PLATFORM_PGBOUNCER_PORT');
  for (let index = 0; index < functions; index += 1) assertPortFree(functionsPort + index, 'RECORD_PLATFORM_FUNCTIONS_PORT');
}

/** PostgreSQL with its database, roles, migrations and a signing key; then PgBouncer, which needs the roles' verifiers. */
async function startDatabase(
  settings: StackSettings,
  secrets: Secrets,
  started: (name: string, address: string, start: () => Promise<Part>) => Promise<Part>,
  say: (line: string) => void,
): Promise<void> {
  const { folder, postgresPort, pgbouncerPort } = settings;
  const server = { folder, port: postgresPort, password: secrets.postgres, settings: await archiving(settings, secrets, say) };
  await started('postgres', `127.0.0.1:${postgresPort}`, () => startPostgres(server));
  const superuserUrl = databaseUrl('postgres', secrets, postgresPort);
  await createDatabase(superuserUrl);
  const users = await bootstrap({ url: superuserUrl, passwords: secrets });
  const url = databaseUrl('record_migrator', secrets, postgresPort);
  await migrate({ url, onStep: (name, milliseconds) => say(`migrated ${name} in ${milliseconds.toFixed(0)} ms`) }).catch((cause: Error) => {
    throw new Remedy(
      `${cause.message}\n(The local stack's database is ${join(folder, 'postgres')}; it is made anew when that folder is gone.)`,
    );
  });
  const kid = await ensureSigningKey({ url, keyEncryptionKey: Buffer.from(secrets.KEY_ENCRYPTION_KEY, 'base64') });
  if (kid !== undefined) say(`made the signing key ${kid}`);
  const bouncer = { folder, port: pgbouncerPort, postgresPort, users };
  await started('pgbouncer', `127.0.0.1:${pgbouncerPort}`, () => startPgBouncer(bouncer));
}

/** What makes backups possible while the database runs. */
async function archiving({ folder, backupFolder, postgresPort }: StackSettings, secrets: Secrets, say: (line: string) => void) {
  try {
    const place = placeOf({ folder, repository: backupFolder });
    await prepare(place, postgresPort, secrets.BACKUP_KEY);
    if (!existsSync(join(folder, 'postgres'))) turnOff(place);
    return archiveSettings(place);
  } catch (error) {
    if (!(error instanceof Remedy)) throw error;
    say(error.message);
    return {};
  }
}

/** Each function gets the keys of its own package, and logs in as its package's role. */
function functionEnvironment(name: string, settings: StackSettings, secrets: Secrets): Record<string, string> {
  const auth = name.startsWith('auth-');
  const { KEY_ENCRYPTION_KEY, REFRESH_TOKEN_KEY, PAGE_TOKEN_KEY } = secrets;
  return {
    DATABASE_URL: databaseUrl(auth ? 'auth_app' : 'record_app', secrets, settings.pgbouncerPort),
    TOKEN_ISSUER: `https://record.local:${settings.edgePort}`,
    // 7 here alone: the contract's examples use "test123".
    ...(auth ? { KEY_ENCRYPTION_KEY, REFRESH_TOKEN_KEY, PASSWORD_LENGTH_MIN: '7' } : { PAGE_TOKEN_KEY }),
  };
}

/** Waits for all of them, also when one fails: nothing may start behind the back of who cleans up. */
async function allOrFirstError(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
