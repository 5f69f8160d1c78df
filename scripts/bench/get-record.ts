import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestServers } from '../db/test-servers.ts';
import type { LoadPlan, LoadResult } from './load-client.ts';
import { cpuSecondsOfFamily, runScript, startServer } from './process.ts';
import { alternate, median, type Ratio, rounded } from './ratios.ts';
import type { StatementPlan } from './statement-client.ts';

interface Measured {
  /** Processor time of everything that serves a call, microseconds, and of each part of it. */
  readonly cpuMicros: number;
  readonly parts: Readonly<Record<string, number>>;
  readonly perSecond: number;
}

/**
 * GetRecord as a client has it (h2c, the runtime, PgBouncer, PostgreSQL) against postgres.js alone, straight to
 * PostgreSQL, with the same statement for the same accounts and records. What counts is the processor time of all that
 * serves a call: of ours the function, PgBouncer and PostgreSQL, of the peer postgres.js and PostgreSQL. Calls a second
 * stand beside it; there the HTTP/2 client, which the peer does not need, takes its part of the same two cores.
 */
export async function benchGetRecord(options: {
  readonly folder: string;
  readonly dist: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly environment: Record<string, string>;
  readonly directUrl: string;
  readonly servers: Pick<TestServers, 'postgres' | 'pgbouncer'>;
  readonly targets: readonly (LoadPlan['targets'][number] & { readonly userId: string; readonly sessionId: string })[];
  readonly expected: string;
  readonly onProgress: (what: string) => void;
}): Promise<Record<string, Ratio>> {
  const { folder, seconds, targets, expected, servers } = options;
  const server = await startServer(
    join(options.dist, 'records-get-record', 'index.js'),
    () => [],
    folder,
    (port) => ({ ...options.environment, PORT: String(port), HOST: '127.0.0.1' }),
  );
  try {
    const through = join(folder, 'get-record.json');
    writeFileSync(
      through,
      JSON.stringify({
        protocol: 'http2',
        connections: 1,
        port: server.port,
        seconds,
        concurrency: 64,
        targets,
        expected,
      } satisfies LoadPlan),
    );
    const alone = join(folder, 'statement.json');
    writeFileSync(
      alone,
      JSON.stringify({ url: options.directUrl, seconds, concurrency: 64, poolMax: 2, targets, expected } satisfies StatementPlan),
    );
    let done = 0;
    type Clocks = Readonly<Record<string, () => number>>;
    const read = (clocks: Clocks) => Object.fromEntries(Object.entries(clocks).map(([name, seconds]) => [name, seconds()]));
    const run = async (script: string, plan: string, clocks: Clocks): Promise<Measured> => {
      const before = read(clocks);
      const result: LoadResult & { cpuSeconds?: number } = JSON.parse(await runScript(join(import.meta.dirname, script), [plan]));
      if (result.wrong > 0) throw new Error(`${result.wrong} of ${result.calls} answers were wrong: no figure comes from that.`);
      options.onProgress(`get_record: ${++done} of ${2 * options.rounds + 4}`);
      await sleep(300); // until PostgreSQL has counted the backends that have just ended
      const used = Object.entries(read(clocks)).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)] as const);
      if (result.cpuSeconds !== undefined) used.push(['postgres.js', result.cpuSeconds]);
      const micros = used.map(([name, seconds]) => [name, rounded((seconds / result.calls) * 1e6, 1)] as const);
      return {
        cpuMicros: rounded(
          micros.reduce((sum, [, one]) => sum + one, 0),
          1,
        ),
        parts: Object.fromEntries(micros),
        perSecond: Math.round(result.calls / result.seconds),
      };
    };
    const postgres = () => cpuSecondsOfFamily(servers.postgres.pid);
    const ours = () =>
      run('load-client.ts', through, {
        function: server.cpuSeconds,
        pgbouncer: () => cpuSecondsOfFamily(servers.pgbouncer.pid),
        postgres,
      });
    const peers = () => run('statement-client.ts', alone, { postgres });
    for (let warmUp = 0; warmUp < 2; warmUp++) {
      await ours();
      await peers();
    }
    const raw = await alternate(options.rounds, ours, peers);
    const cpu = (of: readonly Measured[]) => median(of.map((one) => one.cpuMicros));
    const rate = (of: readonly Measured[]) => median(of.map((one) => one.perSecond));
    return {
      get_record: {
        value: rounded(cpu(raw.peers) / cpu(raw.ours)),
        goal: '>=0.6',
        peer: `postgres.js alone, straight to PostgreSQL, same statement: processor time for a call, PostgreSQL's included (${cpu(raw.peers)} µs and ${cpu(raw.ours)} µs)`,
        raw,
      },
      get_record_per_second: {
        value: rate(raw.ours),
        goal: '-',
        unit: '/s',
        peer: `postgres.js alone ${rate(raw.peers)}/s; the load client has its part of the processors in both`,
        raw: { ours: raw.ours.map((one) => one.perSecond), peers: raw.peers.map((one) => one.perSecond) },
      },
    };
  } finally {
    await server.stop();
  }
}
