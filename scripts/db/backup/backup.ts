import postgres from 'postgres';
import { Remedy } from '../../tools/install.ts';
import { type Backup, listBackups } from './backups.ts';
import { BackupFault, type RunOptions, runPgbackrest } from './pgbackrest.ts';
import { isOn, type Place, turnOn } from './place.ts';

/** pgBackRest's code for a repository that knows another database. */
const MISMATCH = 28;

/**
 * Makes a backup of the running database; the first one is a full one, and begins the archive.
 * @param type `incr` what changed since the last backup, `diff` since the last full one, `full` everything
 * @returns the new backup
 * @throws BackupFault
 */
export async function makeBackup(place: Place, type: Backup['type'], options: RunOptions): Promise<Backup> {
  if (!isOn(place)) {
    await runPgbackrest(place, ['stanza-create'], options).catch((error) => {
      // The data was made anew: the repository keeps what it has of the old database, and takes this one's from here on.
      if (error instanceof BackupFault && error.code === MISMATCH) return runPgbackrest(place, ['stanza-upgrade'], options);
      throw error;
    });
    turnOn(place);
  }
  await runPgbackrest(place, ['backup', `--type=${type}`, '--log-level-console=detail'], options);
  const made = (await listBackups(place)).at(-1);
  if (made === undefined) throw new Remedy('pgBackRest made a backup, and lists none.');
  if (made.damaged)
    throw new Remedy(`The backup ${made.label} holds pages whose checksum is wrong: the disk has lost data. Keep the backups before it.`);
  return made;
}

/** What archiving says of itself. https://www.postgresql.org/docs/17/monitoring-stats.html#MONITORING-PG-STAT-ARCHIVER-VIEW */
export interface Archiver {
  readonly on: boolean;
  readonly lastArchivedAt: Date | null;
  /** Since the last success; null where that came later. */
  readonly failingSince: Date | null;
  readonly failedWal: string | null;
  /** Segments that wait to be archived. */
  readonly waiting: number;
}

export async function readArchiver(url: string): Promise<Archiver> {
  const sql = postgres(url, { max: 1, fetch_types: false, connect_timeout: 5, onnotice: () => {} });
  try {
    const [row] = await sql`select current_setting('archive_mode') = 'on' as on, last_archived_time, last_failed_wal,
      case when last_failed_time > coalesce(last_archived_time, '-infinity') then last_failed_time end as failing_since,
      (select count(*)::int from pg_catalog.pg_ls_archive_statusdir() where name like '%.ready') as waiting
      from pg_catalog.pg_stat_archiver`;
    return {
      on: row?.on,
      lastArchivedAt: row?.last_archived_time,
      failingSince: row?.failing_since,
      failedWal: row?.last_failed_wal,
      waiting: row?.waiting,
    };
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Backups older than that are a fault: somebody has forgotten them. */
const ageMaxMs = 8 * 24 * 3_600_000;

/**
 * Whether the database could be put back now: archiving works, seen by a segment that really arrives, and a backup is there that isn't old.
 * @returns what is wrong, nothing where all is well
 */
export async function checkBackups(place: Place, url: string, options: RunOptions, now = new Date()): Promise<string[]> {
  const archiver = await readArchiver(url);
  if (!archiver.on) return ['Archiving is off. End npm start, and start it again.'];
  if (!isOn(place)) return ['There is no backup yet, and so no archive: npm run db -- backup makes the first one.'];
  const faults: string[] = [];
  if (archiver.failingSince)
    faults.push(
      `Archiving fails since ${archiver.failingSince.toISOString()}, at ${archiver.failedWal}; ${archiver.waiting} segments of 16 MB wait, ` +
        "and fill the data's disk. PostgreSQL's log (log/postgres.log) says why.",
    );
  await runPgbackrest(place, ['check', '--archive-timeout=15'], options).catch((error) => faults.push((error as Error).message));
  const newest = (await listBackups(place).catch(() => [])).at(-1);
  if (newest === undefined) faults.push('There is no backup: npm run db -- backup makes one.');
  else if (now.getTime() - newest.endedAt.getTime() > ageMaxMs)
    faults.push(`The newest backup is of ${newest.endedAt.toISOString()}: putting it back would replay all that was written since.`);
  return faults;
}
