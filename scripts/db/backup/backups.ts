import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BackupFault, runPgbackrest } from './pgbackrest.ts';
import { type Place, stanza } from './place.ts';

/** A backup that can be put back. */
export interface Backup {
  /** "20261126-204500F_20261126-210000I" */
  readonly label: string;
  readonly type: 'full' | 'diff' | 'incr';
  readonly beganAt: Date;
  /** From here on the database can be put back to. */
  readonly endedAt: Date;
  /** Bytes of the database then. */
  readonly databaseBytes: number;
  /** Bytes that this backup added to the repository. */
  readonly storedBytes: number;
  /** Whether a page of the data failed its checksum. */
  readonly damaged: boolean;
}

interface Info {
  readonly name: string;
  readonly status: { readonly code: number; readonly message: string };
  readonly backup: readonly {
    label: string;
    type: Backup['type'];
    error: boolean | null;
    timestamp: { start: number; stop: number };
    info: { size: number; repository: { delta: number } };
  }[];
}

/** "other": what pgBackRest says of a repository that it can't read. */
const UNREADABLE = 99;

/** @throws BackupFault: what it quotes of bytes that it can't decrypt is no JSON */
function parse(text: string): Info | undefined {
  try {
    return (JSON.parse(text) as readonly Info[]).find(({ name }) => name === stanza);
  } catch {
    throw new BackupFault(95, 'the repository cannot be read');
  }
}

/** All backups, the oldest first. */
export async function listBackups(place: Place): Promise<Backup[]> {
  if (!existsSync(place.config) || !existsSync(join(place.repository, 'backup'))) return [];
  const info = parse(await runPgbackrest(place, ['info', '--output=json', '--log-level-console=off']));
  if (info?.status.code === UNREADABLE) throw new BackupFault(95, info.status.message);
  return (info?.backup ?? []).map(({ label, type, timestamp, info, error }) => ({
    label,
    type,
    beganAt: new Date(timestamp.start * 1000),
    endedAt: new Date(timestamp.stop * 1000),
    databaseBytes: info.size,
    storedBytes: info.repository.delta,
    damaged: error === true,
  }));
}
