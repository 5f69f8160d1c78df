import { existsSync, readFileSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { ownedFolder } from '../../stack/account.ts';
import { type Postgres, startPostgres } from '../../stack/postgres.ts';
import { Remedy } from '../../tools/install.ts';
import { type Backup, listBackups } from './backups.ts';
import { runPgbackrest } from './pgbackrest.ts';
import { archiveSettings, type Place } from './place.ts';

/** What a restore would do. */
export interface RestorePlan {
  /** undefined: the end of the archive. */
  readonly to: Date | undefined;
  /** What it begins with. */
  readonly backup: Backup;
  /** Where the data of now goes; undefined where there is none. */
  readonly aside: string | undefined;
}

/**
 * Looks whether a restore is possible.
 * @param to a time, or "latest"
 * @throws Remedy: no backup, a time that can't be reached, too little room
 */
export async function planRestore(place: Place, to: string, now = new Date()): Promise<RestorePlan> {
  const backups = (await listBackups(place)).filter(({ damaged }) => !damaged);
  const [oldest] = backups;
  if (oldest === undefined) throw new Remedy(`There is no backup in ${place.repository}. npm run db -- backup makes one.`);
  const time = to === 'latest' ? undefined : timeOf(to);
  if (time && time < oldest.endedAt)
    throw new Remedy(`${time.toISOString()} is before the oldest backup, which ended at ${oldest.endedAt.toISOString()}.`);
  if (time && time > now) throw new Remedy(`${time.toISOString()} is in the future. Now it is ${now.toISOString()}.`);
  const backup = backups.findLast(({ endedAt }) => time === undefined || endedAt <= time) ?? oldest;
  const { bavail, bsize } = statfsSync(place.folder);
  // And the log that is replayed.
  const needed = backup.databaseBytes * 1.1 + 256 * 1024 ** 2;
  if (bavail * bsize < needed)
    throw new Remedy(
      `${place.folder} has room for ${megabytes(bavail * bsize)}, and the restored data needs ${megabytes(needed)}. The old data stays until you remove it.`,
    );
  const data = join(place.folder, 'postgres');
  const aside = existsSync(data) ? `${data}.before-${now.toISOString().replaceAll(/[-:]|\..*/g, '')}` : undefined;
  return { to: time, backup, aside };
}

/** With a zone, or the zone is UTC: everything that this program prints is. */
function timeOf(text: string): Date {
  const iso = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|[+-]\d\d(?::?\d\d)?)?$/i.exec(text.trim());
  const zone = iso?.[3] ? iso[3].replace(/^([+-]\d\d)$/, '$1:00') : 'Z';
  const time = new Date(iso ? `${iso[1]}T${iso[2]}${zone}` : Number.NaN);
  if (Number.isNaN(time.getTime())) throw new Remedy(`"${text}" is no time: "latest", or like 2026-11-26T20:15:00Z.`);
  return time;
}

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1024 ** 2)} MB`;

export interface RestoreOptions {
  /** Of the superuser, at the time to which it is put back. */
  readonly password: string;
  /** Told what is being done. */
  readonly say: (line: string) => void;
  /** Told how far the copying is, 0 to 100. */
  readonly onProgress?: (percent: number) => void;
  /** What differs from db/postgres/postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * Puts the database back beside the data of now, starts it there, lets it replay the log to the wanted time, and only when that has
 * worked puts it into the data's place. The data of now is moved aside, and nothing of it is changed. Nothing may run on either.
 * @throws Remedy; then the data of now is where it was
 */
export async function restore(place: Place, plan: RestorePlan, options: RestoreOptions): Promise<void> {
  const { say, password, onProgress = () => {} } = options;
  const own = join(place.folder, 'restoring');
  rmSync(own, { recursive: true, force: true });
  ownedFolder(own, place.account, true);
  const data = ownedFolder(join(own, 'postgres'), place.account);
  try {
    say(`copying ${plan.backup.label} (${megabytes(plan.backup.databaseBytes)})`);
    const target = plan.to ? ['--type=time', `--target=${plan.to.toISOString().replace('Z', '+00')}`, '--target-action=promote'] : [];
    const args = ['restore', `--set=${plan.backup.label}`, `--pg1-path=${data}`, ...target, '--log-level-console=detail'];
    await runPgbackrest(place, args, { onLine: (line) => progressIn(line, onProgress) });
    say(`replaying what was written until ${plan.to?.toISOString() ?? 'the end of the archive'}`);
    await recover(place, own, password, options.settings);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    throw error;
  }
  const live = join(place.folder, 'postgres');
  if (plan.aside) renameSync(live, plan.aside);
  renameSync(data, live);
  rmSync(own, { recursive: true, force: true });
}

const progressIn = (line: string, onProgress: (percent: number) => void): void => {
  const [, percent] = /, ([\d.]+)%\)/.exec(line) ?? [];
  if (percent !== undefined) onProgress(Number(percent));
};

/** Runs PostgreSQL on the restored data until it has replayed the log and takes writes. It archives: the new timeline begins in it. */
async function recover(place: Place, own: string, password: string, settings: Readonly<Record<string, string>> = {}): Promise<void> {
  let server: Postgres | undefined;
  try {
    const archive = archiveSettings(place);
    server = await startPostgres({ folder: own, password, settings: { ...archive, ...settings }, readyWithinMs: 6 * 3_600_000 });
    const sql = postgres(server.url, { max: 1, fetch_types: false, onnotice: () => {} });
    try {
      for (;;) {
        const [row] = await sql`select pg_is_in_recovery() as recovering`;
        if (!row?.recovering) break;
        await Promise.race([sleep(200), server.ended.then(() => Promise.reject(new Error('PostgreSQL ended while it replayed the log')))]);
      }
    } finally {
      await sql.end({ timeout: 1 }).catch(() => {});
    }
    await server.stop();
  } catch (error) {
    await server?.stop();
    throw new Remedy(`${why(join(own, 'log/postgres.log'), error as Error)}\nThe data of before is where it was.`);
  }
}

/** PostgreSQL's own words, and what they mean here. */
function why(log: string, error: Error): string {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
  const fatal = lines.filter((line) => / (FATAL|PANIC): /.test(line) && !/starting up/.test(line)).at(-1);
  if (fatal && /recovery ended before configured recovery target was reached/.test(fatal))
    return 'The archive ends before that time: nothing was archived so late, or a part of the archive is missing. "--to latest" goes as far as it reaches.';
  return fatal ? `The restored data does not start: ${fatal.replace(/^.*?(FATAL|PANIC): +/, '')}` : error.message;
}
