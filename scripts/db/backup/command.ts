import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endLeftovers } from '../../stack/part.ts';
import { claimState, databaseUrl, type Secrets, type StackSettings, stackSecrets, stackSettings } from '../../stack/state.ts';
import { Remedy } from '../../tools/install.ts';
import { checkBackups, makeBackup } from './backup.ts';
import { type Backup, listBackups } from './backups.ts';
import { type Place, placeOf, prepare } from './place.ts';
import { planRestore, restore } from './restore.ts';

export const backupHelp = `npm run db -- backup [options]

Makes a backup of the local stack's database while it runs, sealed under BACKUP_KEY of secrets.json, and keeps the write-ahead log from the
first backup on: the database can be put back to any moment since. Two full backups are kept, and what belongs to them.

  --type TYPE   incr: what changed since the last one (default; the first is always full) | diff: since the last full one | full
  --list        only lists the backups
  --check       only looks whether all is well: the log arrives, and a backup is there that isn't old; exit code 1 with the reason where not
  --help        this text

RECORD_PLATFORM_BACKUP names the folder that keeps them (backup/repository of the state folder): one on another disk survives this one.
Exit codes: 0 done, 1 failed, 2 wrong usage.
`;

export const restoreHelp = `npm run db -- restore --to TIME [--yes]

Puts the local stack's database back to a moment, while the stack is not running. The restored data is made beside the present one, started,
and takes its place only when it works; the present data is moved aside, and nothing of it is changed.

  --to TIME   latest, or a time since the first backup: 2026-11-26T20:15:00Z (without a zone it is UTC)
  --yes       does it; without it this only says what would be done
  --help      this text

Exit codes: 0 done, 1 failed, or not asked with --yes; 2 wrong usage.
`;

interface Stack {
  readonly settings: StackSettings;
  readonly secrets: Secrets;
  readonly place: Place;
}

async function localStack(): Promise<Stack> {
  if (process.env.MIGRATOR_DATABASE_URL)
    throw new Remedy('This is about the local stack alone; unset MIGRATOR_DATABASE_URL. docs/operations.md says what to do elsewhere.');
  const settings = stackSettings();
  if (!existsSync(join(settings.folder, 'secrets.json'))) throw new Remedy('There is no local stack yet: npm start makes it.');
  const secrets = stackSecrets(settings);
  const place = placeOf({ folder: settings.folder, repository: settings.backupFolder });
  await prepare(place, settings.postgresPort, secrets.BACKUP_KEY);
  return { settings, secrets, place };
}

const wrongUsage = (problem: string, help: string): number => {
  process.stderr.write(`${problem}\n\n${help}`);
  return 2;
};

/** `npm run db -- backup`. @returns exit code */
export async function runBackup(argv: readonly string[]): Promise<number> {
  let values: { type?: string; list?: boolean; check?: boolean; help?: boolean };
  try {
    const flag = { type: 'boolean' } as const;
    values = parseArgs({ args: [...argv], options: { type: { type: 'string' }, list: flag, check: flag, help: flag } }).values;
  } catch (error) {
    return wrongUsage((error as Error).message, backupHelp);
  }
  const { type = 'incr' } = values;
  if (values.help) {
    process.stdout.write(backupHelp);
    return 0;
  }
  if (!['full', 'diff', 'incr'].includes(type)) return wrongUsage(`${type} is no type: full, diff, incr.`, backupHelp);
  const { settings, secrets, place } = await localStack();
  if (values.list) {
    const backups = await listBackups(place);
    for (const backup of backups) process.stdout.write(`${lineOf(backup)}\n`);
    if (backups.length === 0) process.stderr.write('There is no backup yet.\n');
    return 0;
  }
  const options = { password: secrets.postgres };
  if (values.check) {
    const faults = await checkBackups(place, databaseUrl('postgres', secrets, settings.postgresPort, 'postgres'), options);
    process.stdout.write(faults.length === 0 ? 'The log arrives, and a backup is there.\n' : `${faults.join('\n')}\n`);
    return faults.length === 0 ? 0 : 1;
  }
  const began = performance.now();
  const made = await makeBackup(place, type as Backup['type'], { ...options, onLine: percentShown('copied') });
  process.stdout.write(`${lineOf(made)}, in ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
  return 0;
}

const megabytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MB`;
const lineOf = ({ label, type, endedAt, databaseBytes, storedBytes, damaged }: Backup): string =>
  `${label.padEnd(34)} ${type}  ended ${endedAt.toISOString()}  ${megabytes(databaseBytes)} of data, ${megabytes(storedBytes)} stored${damaged ? '  DAMAGED' : ''}`;

/** Shows how far the copying is, where somebody looks. */
function percentShown(word: string): (line: string) => void {
  return (line) => {
    const [, percent] = /, ([\d.]+)%\)/.exec(line) ?? [];
    if (percent !== undefined && process.stderr.isTTY)
      process.stderr.write(`\r${percent.padStart(6)} % ${word}${percent === '100.00' ? '\n' : ''}`);
  };
}

/** `npm run db -- restore`. @returns exit code */
export async function runRestore(argv: readonly string[]): Promise<number> {
  let values: { to?: string; yes?: boolean; help?: boolean };
  try {
    values = parseArgs({
      args: [...argv],
      options: { to: { type: 'string' }, yes: { type: 'boolean' }, help: { type: 'boolean' } },
    }).values;
  } catch (error) {
    return wrongUsage((error as Error).message, restoreHelp);
  }
  if (values.help) {
    process.stdout.write(restoreHelp);
    return 0;
  }
  if (values.to === undefined) return wrongUsage('--to is missing.', restoreHelp);
  const { settings, secrets, place } = await localStack();
  // Refused while the stack runs, and the stack does not start meanwhile.
  const release = claimState(settings);
  try {
    await endLeftovers(settings.folder);
    const plan = await planRestore(place, values.to);
    const to = plan.to?.toISOString() ?? 'the end of the archive';
    process.stderr.write(
      `The database is put back to ${to}, from ${plan.backup.label}, which ended at ${plan.backup.endedAt.toISOString()}.\n`,
    );
    if (plan.aside) process.stderr.write(`The data of now moves to ${plan.aside}.\n`);
    if (!values.yes) {
      process.stderr.write('Nothing was done. --yes does it.\n');
      return 1;
    }
    const onProgress = (percent: number): void => percentShown('copied')(`, ${percent.toFixed(2)}%)`);
    await restore(place, plan, { password: secrets.postgres, say: (line) => process.stderr.write(`${line} …\n`), onProgress });
    process.stdout.write(`The database is as it was at ${to}. npm start runs it.\n`);
    if (plan.aside) process.stdout.write(`When all is well, remove the data of before: rm -r '${plan.aside}'\n`);
    return 0;
  } finally {
    release();
  }
}
