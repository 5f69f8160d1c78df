import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientEnvironment } from '../../db/client-environment.ts';
import { pgbench } from '../../tools/debian.ts';
import { rounded } from '../ratios.ts';

/** What one run of pgbench saw. */
export interface Run {
  readonly clients: number;
  readonly seconds: number;
  /** Statements that were asked for, and answered: calls of ours, not what fetched their keys. */
  readonly calls: number;
  readonly perSecond: number;
  /** Of one transaction of the script; with one call in each of one call. Milliseconds. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Load {
  /** postgres://… of who asks. */
  readonly url: string;
  /** Script in pgbench's language; or several with their weights. "builtin" is pgbench -S. */
  readonly script: string | 'builtin';
  readonly clients: number;
  /** So long; or `each` transactions of every client. */
  readonly seconds?: number;
  readonly each?: number;
  /** Calls in one transaction of the script. */
  readonly calls?: number;
  readonly variables?: Readonly<Record<string, string | number>>;
}

/**
 * Runs pgbench 17 with prepared statements, on two threads.
 * @throws Error with what it said, where a single transaction fails
 */
export async function load({ url, script, clients, seconds, each, calls = 1, variables = {} }: Load): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-pgbench-'));
  try {
    const file = join(folder, 'script.sql');
    if (script !== 'builtin') writeFileSync(file, script);
    const [program = '', ...own] = await pgbench();
    const args = [
      ...own,
      '--no-vacuum',
      '--protocol=prepared',
      `--client=${clients}`,
      `--jobs=${Math.min(2, clients)}`,
      ...(seconds === undefined ? [`--transactions=${each}`] : [`--time=${seconds}`]),
      ...(script === 'builtin' ? ['--select-only'] : [`--file=${file}`]),
      ...Object.entries({ clients, ...variables }).flatMap(([name, value]) => ['-D', `${name}=${value}`]),
      '--log',
      `--log-prefix=${join(folder, 'log')}`,
    ];
    const child = spawn(program, args, { env: clientEnvironment(url), stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += chunk;
    });
    child.stderr.on('data', (chunk) => {
      said = (said + chunk).slice(-20_000);
    });
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const perSecond = Number(/^tps = ([\d.]+) \(without initial connection time\)/m.exec(said)?.[1]);
    const done = Number(/^number of transactions actually processed: (\d+)/m.exec(said)?.[1]);
    const failed = Number(/^number of failed transactions: (\d+)/m.exec(said)?.[1]);
    if (code !== 0 || !(done > 0) || failed !== 0) throw new Error(`pgbench failed (${code}):\n${said.slice(-2000)}`);
    const latencies = latenciesOf(globSync(join(folder, 'log*')));
    const at = (share: number): number =>
      rounded((latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? NaN) / 1000);
    return {
      clients,
      seconds: rounded(done / perSecond, 1),
      calls: done * calls,
      perSecond: rounded(perSecond * calls, 1),
      p50Ms: at(0.5),
      p95Ms: at(0.95),
      p99Ms: at(0.99),
      maxMs: at(1),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Microseconds, sorted: the third column of pgbench's log. */
function latenciesOf(files: readonly string[]): Float64Array {
  const values = files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => Number(line.split(' ', 3)[2])),
  );
  return Float64Array.from(values).sort();
}
