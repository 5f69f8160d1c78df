import { spawn } from 'node:child_process';
import { Remedy } from '../../tools/install.ts';
import { type Place, stanza } from './place.ts';

export interface RunOptions {
  /** Of the superuser, where the server is asked. */
  readonly password?: string;
  /** Told of each line of the log. */
  readonly onLine?: (line: string) => void;
}

/** pgBackRest has failed: with its own code and words. https://github.com/pgbackrest/pgbackrest, src/build/error/error.yaml */
export class BackupFault extends Remedy {
  readonly code: number;
  constructor(code: number, said: string) {
    super(`pgBackRest: ${said}${remedies[code] ? `\n${remedies[code]}` : ''}`);
    this.code = code;
  }
}

const remedies: Readonly<Record<number, string>> = {
  28: 'The repository belongs to another database. Name another folder in RECORD_PLATFORM_BACKUP, or move the old one away.',
  31: 'The configuration is written by this program: is it of another version?',
  50: 'Another backup or restore is at work: wait until it has ended.',
  51: 'The repository belongs to another database. Name another folder in RECORD_PLATFORM_BACKUP, or move the old one away.',
  56: 'The database cannot be reached: is the local stack up (npm start)?',
  58: 'The repository belongs to another database. Name another folder in RECORD_PLATFORM_BACKUP, or move the old one away.',
  64: 'Is the disk full? What was written of this backup is taken away by the next one; the backups before it are whole.',
  82: "The write-ahead log does not arrive in the repository. PostgreSQL's log (log/postgres.log) says why.",
  87: 'Archiving is off: end npm start and start it again.',
  95: 'The repository cannot be read with this key: secrets.json must be the one of that time.',
};

/**
 * Runs a command of pgBackRest as the database's own user.
 * @returns its standard output
 * @throws BackupFault
 */
export function runPgbackrest(
  place: Place,
  args: readonly string[],
  { password = '', onLine = () => {} }: RunOptions = {},
): Promise<string> {
  const { account, program, config } = place;
  return new Promise((resolve, reject) => {
    const child = spawn(program, [`--config=${config}`, `--stanza=${stanza}`, '--log-level-stderr=off', ...args], {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', TZ: 'UTC', PGPASSWORD: password },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(account ? { uid: account.uid, gid: account.gid } : {}),
    });
    let stdout = '';
    let stderr = '';
    let rest = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) return resolve(stdout);
      const [, number, said] = /ERROR: \[(\d+)\]: ([\s\S]*)/.exec(stdout) ?? [];
      const words = (said ?? (stderr || stdout)).trim().replace(/\n.*INFO:[\s\S]*/, '');
      reject(new BackupFault(Number(number ?? code), words || `ended with ${code}`));
    });
  });
}
