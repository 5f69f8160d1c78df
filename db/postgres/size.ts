import { availableParallelism, totalmem } from 'node:os';

/** What PostgreSQL may count on. */
export interface Room {
  /** Bytes of memory that are PostgreSQL's: the page cache of its files counts too. */
  readonly memoryBytes: number;
  readonly cores: number;
}

/** One line of a configuration that follows from the room, and why. */
export interface SizedSetting {
  readonly name: string;
  /** As PostgreSQL writes it: "512MB", "4". */
  readonly value: string;
  readonly why: string;
}

const MiB = 2 ** 20;
const GiB = 2 ** 30;
/** With less it would be settled too tightly to work. */
const memoryBytesMin = 256 * MiB;

/** Connections that can be at work at once: PgBouncer's pools of both roles in both revisions of a rollout (db/pgbouncer/pgbouncer.ini). */
export const workingMax = 80;
/** Sorts and hashes that one of our statements has going at once. */
export const sortsEach = 2;

const within = (least: number, bytes: number, most: number): number => Math.max(least, Math.min(most, Math.floor(bytes)));
/** Whole mebibytes, as configurations have them. */
const megabytes = (bytes: number): string => `${Math.floor(bytes / MiB)}MB`;

/**
 * The settings that depend on the machine; the others are the same everywhere and stand in postgresql.conf. The sum of what may be in use
 * at once stays below the memory: a quarter for shared_buffers, a quarter for all sorts, a quarter for maintenance and vacuum.
 * Sources: PostgreSQL 17, chapters 19.4 to 19.7; the figures that we measured are in docs/data.md.
 * @throws Error where there is less than 256 MiB
 */
export function sizedSettings({ memoryBytes, cores }: Room): SizedSetting[] {
  if (memoryBytes < memoryBytesMin)
    throw new Error(`PostgreSQL needs at least ${memoryBytesMin / MiB} MiB of memory, and this is ${Math.floor(memoryBytes / MiB)}.`);
  const maintenance = within(16 * MiB, memoryBytes / 16, GiB);
  const wal = within(GiB, memoryBytes / 2, 4 * GiB);
  return [
    {
      name: 'shared_buffers',
      value: megabytes(within(64 * MiB, memoryBytes / 4, 8 * GiB)),
      why: 'A quarter of the memory: the records and indexes in daily use. The rest is cached by the system all the same.',
    },
    {
      name: 'effective_cache_size',
      value: megabytes((memoryBytes * 3) / 4),
      why: "What the planner may expect to be in memory, the system's cache included. Nothing is reserved by it.",
    },
    {
      name: 'work_mem',
      value: megabytes(within(MiB, memoryBytes / 4 / (workingMax * sortsEach), 64 * MiB)),
      why: `For each sort or hash: ${workingMax} connections with ${sortsEach} of them at once stay within a quarter of the memory.`,
    },
    {
      name: 'maintenance_work_mem',
      value: megabytes(maintenance),
      why: 'Indexes are built in it. A sixteenth, because vacuum takes three such parts besides.',
    },
    {
      name: 'autovacuum_work_mem',
      value: megabytes(maintenance),
      why: 'The same for each of the autovacuum workers.',
    },
    {
      name: 'autovacuum_max_workers',
      value: String(within(2, cores / 2, 3)),
      why: 'Never all cores at once.',
    },
    {
      name: 'max_wal_size',
      value: megabytes(wal),
      why: 'Checkpoints come by time and not by volume: each makes every page be logged whole once more. A million records with all their indexes write about 6 GB.',
    },
    {
      name: 'min_wal_size',
      value: megabytes(wal / 4),
      why: 'Files that are kept for the next burst instead of being made anew.',
    },
    {
      name: 'max_parallel_workers',
      value: String(Math.max(1, cores)),
      why: 'One for each core, whoever asks.',
    },
    {
      name: 'max_parallel_workers_per_gather',
      value: cores >= 8 ? '2' : '0',
      why: 'On few cores a parallel plan takes them all from everybody else; each of our statements is short.',
    },
    {
      name: 'max_parallel_maintenance_workers',
      value: String(within(1, cores / 2, 4)),
      why: 'An index is built by half of the cores.',
    },
  ];
}

/** As lines of a configuration file. */
export const sizedConfiguration = (room: Room): string =>
  `\n# --- Sized for ${Math.floor(room.memoryBytes / MiB)} MiB and ${room.cores} cores by db/postgres/size.ts\n${sizedSettings(room)
    .map(({ name, value, why }) => `# ${why}\n${name} = ${value}\n`)
    .join('')}`;

/**
 * The room on this machine, or in this container where it has a limit.
 * @param share of the memory that is PostgreSQL's: all of a container of its own, half of a machine where functions run beside it
 */
export function roomHere(share: number): Room {
  const limit = process.constrainedMemory();
  const memoryBytes = Math.min(totalmem(), limit > 0 ? limit : Number.POSITIVE_INFINITY);
  return { memoryBytes: Math.floor(memoryBytes * share), cores: availableParallelism() };
}
