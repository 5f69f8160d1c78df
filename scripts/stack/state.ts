import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { integer, readSettings, type SettingsOf, text } from '../../functions/runtime/settings.ts';
import { Remedy } from '../tools/install.ts';
import { ownedFile } from './account.ts';
import { commandLine, startTicks } from './proc.ts';

const port = (variable: string, fallback: number) => integer(variable, { min: 1, max: 65_535, fallback });

/** What can be chosen about the local stack, by environment variables. */
const settings = {
  /** Data, secrets, CA, logs. Outside the checkout: for root, PostgreSQL's own user must be able to enter. */
  folder: text('RECORD_PLATFORM_STATE', defaultFolder()),
  /** Where backups are kept; backup/repository of the folder where nothing is said. */
  backupFolder: text('RECORD_PLATFORM_BACKUP', ''),
  edgePort: port('RECORD_PLATFORM_EDGE_PORT', 8443),
  postgresPort: port('RECORD_PLATFORM_POSTGRES_PORT', 5433),
  pgbouncerPort: port('RECORD_PLATFORM_PGBOUNCER_PORT', 6432),
  /** The first function's; the others follow in alphabetical order. */
  functionsPort: port('RECORD_PLATFORM_FUNCTIONS_PORT', 9100),
};

export type StackSettings = SettingsOf<typeof settings>;

/** The one database of the local stack. */
export const databaseName = 'record_platform';

/** @throws Error that names every setting that is wrong */
export const stackSettings = (environment: NodeJS.ProcessEnv = process.env): StackSettings => readSettings(settings, environment);

function defaultFolder(): string {
  if (process.getuid?.() === 0) return '/var/lib/record-platform';
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local/state'), 'record-platform');
}

/** Passwords of roles, and 256-bit keys in base64. */
const secretNames = [
  'postgres',
  'record_migrator',
  'auth_app',
  'record_app',
  'KEY_ENCRYPTION_KEY',
  'REFRESH_TOKEN_KEY',
  'PAGE_TOKEN_KEY',
  'BACKUP_KEY',
] as const;
export type Secrets = Readonly<Record<(typeof secretNames)[number], string>>;

/** Reads the stack's secrets, made at the first time: <folder>/secrets.json, readable by its owner alone. */
export function stackSecrets({ folder }: Pick<StackSettings, 'folder'>): Secrets {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const path = join(folder, 'secrets.json');
  if (existsSync(path) && (statSync(path).mode & 0o077) !== 0) throw new Remedy(`${path} can be read by others.\nchmod 600 ${path}`);
  const known: Partial<Secrets> = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  if (secretNames.every((name) => known[name] !== undefined)) return known as Secrets;
  const made = Object.fromEntries(secretNames.map((name) => [name, randomBytes(32).toString('base64')]));
  const all = { ...made, ...known } as Secrets;
  ownedFile(path, `${JSON.stringify(all, null, 2)}\n`, undefined);
  return all;
}

/** Connection URL of a role: to PgBouncer, or straight to PostgreSQL with its port. */
export const databaseUrl = (role: keyof Secrets, secrets: Secrets, atPort: number, database = databaseName): string =>
  `postgres://${role}:${encodeURIComponent(secrets[role])}@127.0.0.1:${atPort}/${database}`;

/**
 * Claims the state folder for this process.
 * @returns what gives it back
 * @throws Remedy when another local stack runs on it
 */
export function claimState({ folder }: StackSettings): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const path = join(folder, 'owner.json');
  if (existsSync(path)) {
    const { pid, ticks } = JSON.parse(readFileSync(path, 'utf8') || '{}') as { pid?: number; ticks?: string };
    if (pid !== undefined && pid !== process.pid && startTicks(pid) === ticks && ticks !== undefined)
      throw new Remedy(
        `The local stack already runs on ${folder}: process ${pid} (${commandLine(pid).slice(0, 80)}).\n` +
          'End it (Ctrl-C there), or run a second one beside it with another RECORD_PLATFORM_STATE and other ports (npm start -- --help).',
      );
  }
  writeFileSync(path, JSON.stringify({ pid: process.pid, ticks: startTicks(process.pid) }));
  return () => rmSync(path, { force: true });
}
