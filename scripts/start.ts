import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { addHost, addHostCommand, hostName, resolveHost } from './stack/hosts.ts';
import { type Stack, startStack } from './stack/stack.ts';
import { type StackSettings, stackSettings } from './stack/state.ts';
import { curlHttp3 } from './tools/debian.ts';
import { Remedy } from './tools/install.ts';

const help = `npm start [-- --hosts]

Builds what has changed and runs the whole local stack on 127.0.0.1: PostgreSQL, PgBouncer, every function, and Caddy in front of
them at https://record.local:8443. A part that dies is started again. Ctrl-C ends everything; the data stays.

  --hosts   also adds 127.0.0.1 record.local to /etc/hosts
  --help    this text

Settings (environment variables):
  RECORD_PLATFORM_STATE             data, secrets, CA and logs (/var/lib/record-platform for root, else ~/.local/state/record-platform)
  RECORD_PLATFORM_EDGE_PORT         8443, TCP and UDP
  RECORD_PLATFORM_POSTGRES_PORT     5433
  RECORD_PLATFORM_PGBOUNCER_PORT    6432
  RECORD_PLATFORM_FUNCTIONS_PORT    9100, the first function's; the others follow
  OTEL_EXPORTER_OTLP_ENDPOINT, BCRYPT_COST   handed to the functions

Exit codes: 0 ended as asked, 1 failed, 2 wrong usage.
`;

const progress = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(argv: readonly string[]): Promise<number> {
  const began = performance.now();
  let values: { hosts?: boolean; help?: boolean };
  let settings: StackSettings;
  try {
    values = parseArgs({ args: [...argv], options: { hosts: { type: 'boolean' }, help: { type: 'boolean' } } }).values;
    settings = stackSettings();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  // From here on a signal means: end in order. It is noted even while things are still starting.
  const asked = new AbortController();
  const end = () => asked.abort(new Remedy('ended while starting'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  try {
    if (values.hosts && addHost()) progress(`added ${hostName} to /etc/hosts`);
    const stack = await startStack({
      settings,
      onPart: (name, address) => process.stdout.write(`${name.padEnd(22)} ${address}\n`),
      say: progress,
      environment: passedOn('OTEL_EXPORTER_OTLP_ENDPOINT', 'BCRYPT_COST'),
      signal: asked.signal,
    });
    const seconds = (performance.now() - began) / 1000;
    process.stdout.write(await welcome(stack, settings, seconds));
    if (!asked.signal.aborted) await once(asked.signal, 'abort');
    progress('ending …');
    await stack.stop();
    progress('everything has ended; the data stays.');
    return 0;
  } catch (error) {
    progress(error instanceof Remedy ? error.message : ((error as Error).message ?? String(error)));
    // Parts that were about to start end with this process.
    return asked.signal.aborted ? 0 : 1;
  }
}

const passedOn = (...names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));

/** What can be pasted now. */
async function welcome({ origin, rootCertificate }: Stack, { folder, edgePort }: StackSettings, seconds: number): Promise<string> {
  const address = await resolveHost();
  const resolves = address === '127.0.0.1';
  const resolve = resolves ? '' : ` --resolve ${hostName}:${edgePort}:127.0.0.1`;
  const curl = await curlForHttp3(folder);
  const body = `-H "Content-Type: application/json" -d '{"email":"test@example.com","password":"test123"}'`;
  const lines = [
    '',
    `ready in ${seconds.toFixed(1)} s: ${origin}`,
    `the root of its CA:  ${rootCertificate}   (or curl -k)`,
    '',
    'To paste in another terminal:',
    `  curl --cacert ${rootCertificate}${resolve} --http2 -X POST ${origin}/api/auth/register ${body}`,
    `  ${curl} --cacert ${rootCertificate}${resolve} --http3-only -X POST ${origin}/api/auth/login ${body}`,
    `  grpcurl -insecure ${resolves ? '' : '-authority record.local '}${resolves ? hostName : '127.0.0.1'}:${edgePort} list`,
    '  npm run demo',
    '',
  ];
  if (!resolves) {
    const found = address === undefined ? 'does not resolve' : `leads to ${address}`;
    lines.push(`${hostName} ${found} on this machine. Its line for /etc/hosts (npm start -- --hosts adds it):`, `  ${addHostCommand}`, '');
  }
  lines.push('Ctrl-C ends everything.', '');
  return lines.join('\n');
}

/** This machine's curl where it speaks HTTP/3, else a script that runs the one of the cache. */
async function curlForHttp3(folder: string): Promise<string> {
  try {
    if (/\bHTTP3\b/.test(execFileSync('curl', ['--version'], { encoding: 'utf8' }))) return 'curl';
  } catch {
    // No curl at all.
  }
  const script = join(folder, 'bin/curl');
  mkdirSync(join(folder, 'bin'), { recursive: true, mode: 0o755 });
  const words = (await curlHttp3()).map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  writeFileSync(script, `#!/bin/sh\n# curl with HTTP/3 (Debian 13's). Written by npm start.\nexec ${words} "$@"\n`);
  chmodSync(script, 0o755);
  return script;
}

// What PostgreSQL's own user must read is readable, whatever the umask; what is secret is made so by name.
process.umask(0o022);
process.exit(await main(process.argv.slice(2)));
