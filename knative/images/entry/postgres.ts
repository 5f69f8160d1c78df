/**
 * The image `postgres` begins here: makes the data at the first start, then becomes PostgreSQL (the same process, so signals and exit
 * code are the server's). It is sized for the container's memory limit (db/postgres/size.ts). Arguments go on to PostgreSQL and win:
 * ["-c", "shared_buffers=1GB"].
 * Environment: POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE, of the superuser "postgres", needed at the first start only.
 * Writable: /data, /tmp (its socket), /dev/shm.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { roomHere, sizedSettings } from '../../../db/postgres/size.ts';
import { Fault, log, main, setting } from './settings.ts';

const programs = '/usr/lib/postgresql/17/bin';
const data = '/data/postgres';
const environment = { PATH: programs, LC_ALL: 'C.UTF-8', TZ: 'UTC' };

function makeData(): void {
  const password = setting('POSTGRES_PASSWORD');
  const part = `${data}.part`;
  rmSync(part, { recursive: true, force: true });
  // In memory, and gone before the server starts.
  const passwordFile = '/dev/shm/initdb-password';
  writeFileSync(passwordFile, password, { mode: 0o600 });
  // The rest is what scripts/stack/postgres.ts says too: PostgreSQL's own collation sorts alike on every machine.
  const flags = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8', '--data-checksums'];
  flags.push('--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C.UTF-8');
  const made = spawnSync(`${programs}/initdb`, ['-D', part, ...flags], { env: environment, encoding: 'utf8' });
  rmSync(passwordFile);
  if (made.status !== 0) throw new Fault(`initdb could not make ${data}: ${made.error?.message ?? made.stderr.trim()}`);
  // A folder half made by a crash is never taken for data.
  renameSync(part, data);
  log('INFO', `made the data in ${data}`);
}

await main(() => {
  if (!existsSync(`${data}/PG_VERSION`)) makeData();
  const version = readFileSync(`${data}/PG_VERSION`, 'utf8').trim();
  if (version !== '17') throw new Fault(`${data} is PostgreSQL ${version}'s, and this is 17: dump it there, and restore it here.`);
  const settings = {
    ...Object.fromEntries(sizedSettings(roomHere(1)).map(({ name, value }) => [name, value])),
    config_file: '/etc/postgresql/postgresql.conf',
    hba_file: '/etc/postgresql/pg_hba.conf',
    listen_addresses: '*',
    unix_socket_directories: '/tmp',
  };
  const arguments_ = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  process.execve?.(`${programs}/postgres`, ['postgres', '-D', data, ...arguments_, ...process.argv.slice(2)], environment);
});
