import { spawn, spawnSync } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { curlHttp3 } from '../tools/debian.ts';
import { grpcurl } from '../tools/go.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A shell in which `curl` (with HTTP/3) and `grpcurl` are the real ones and record.local leads to this machine. */
export interface ClientShell {
  /** How record.local came to lead here. */
  readonly resolution: string;
  /**
   * Runs a command line exactly as it is written.
   * @param curlrc lines of curl's own settings file, for what the command line shall not be changed for
   */
  run(command: string, options?: { curlrc?: readonly string[]; environment?: Readonly<Record<string, string>> }): Promise<Ended>;
}

/**
 * Makes a client shell. Where record.local doesn't resolve, its commands get a mount namespace with a hosts file that has the line which
 * `npm start -- --hosts` would add; where that isn't allowed either, wrappers give curl --connect-to and grpcurl the address.
 * @param folder for the programs and settings that it writes
 */
export async function clientShell(folder: string, edgePort: number): Promise<ClientShell> {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  const script = (name: string, lines: readonly string[]) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 });
  const curl = quoted(await curlHttp3());
  const grpc = quoted([await grpcurl()]);
  script('curl', [`exec ${curl} "$@"`]);
  script('grpcurl', [`exec ${grpc} "$@"`]);

  const hosts = join(folder, 'hosts');
  writeFileSync(hosts, `${readFileSync('/etc/hosts', 'utf8')}\n127.0.0.1 record.local\n`);
  let before: string[] = [];
  let resolution = 'record.local leads to 127.0.0.1 on this machine';
  if (!(await resolves())) {
    before = ['unshare', '--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user']), 'sh', '-c'];
    before.push('mount --bind "$0" /etc/hosts && exec "$@"', hosts);
    resolution = 'record.local leads nowhere on this machine: the commands see a hosts file with its line (mount namespace)';
    if (spawnSync(before[0] ?? '', [...before.slice(1), 'true']).status !== 0) {
      before = [];
      resolution = 'record.local leads nowhere on this machine: curl gets --connect-to, and grpcurl the address with -authority';
      script('curl', [`exec ${curl} --connect-to record.local:${edgePort}:127.0.0.1:${edgePort} "$@"`]);
      script('grpcurl', [
        `for word do shift; [ "$word" = record.local:${edgePort} ] && word=127.0.0.1:${edgePort}; set -- "$@" "$word"; done`,
        `exec ${grpc} -authority record.local:${edgePort} "$@"`,
      ]);
    }
  }
  return {
    resolution,
    run: (command, { curlrc = [], environment = {} } = {}) => {
      writeFileSync(join(folder, '.curlrc'), `${['silent', 'show-error', 'max-time = 20', ...curlrc].join('\n')}\n`);
      const env = { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: folder, CURL_HOME: folder, ...environment };
      return runCommand([...before, 'bash', '-c', command], env);
    },
  };
}

const resolves = (): Promise<boolean> =>
  lookup('record.local', { family: 4 }).then(
    ({ address }) => address === '127.0.0.1',
    () => false,
  );

const quoted = (words: readonly string[]): string => words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');

function runCommand(command: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}
