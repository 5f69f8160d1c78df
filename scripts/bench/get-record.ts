import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestServers } from '../db/test-servers.ts';
import type { LoadPlan } from './load-client.ts';
import { type Client, cpuMicros, cpuMicrosOfFamily, startClient, startServer } from './process.ts';
import { alternate, median, pairedRatio, type Ratio, rounded } from './ratios.ts';
import type { StatementPlan } from './statement-client.ts';

interface Measured {
  /** Processor time of everything that serves a call, microseconds, and of each part of it. */
  readonly cpuMicros: number;
  readonly parts: Readonly<Record<string, number>>;
  readonly perSecond: number;
}

const warmRounds = 10;

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
    true,
  );
  const clients: Client[] = [];
  try {
    const through = join(folder, 'get-record.json');
    writeFileSync(
      through,
      JSON.stringify({
        protocol: 'http2',
        connections: 1,
        port: server.port,
        concurrency: 64,
        targets,
        expected,
      } satisfies LoadPlan),
    );
    const alone = join(folder, 'statement.json');
    writeFileSync(
      alone,
      JSON.stringify({ url: options.directUrl, concurrency: 64, poolMax: 2, targets, expected } satisfies StatementPlan),
    );
    const ourClient = startClient(join(import.meta.dirname, 'load-client.ts'), through);
    const peerClient = startClient(join(import.meta.dirname, 'statement-client.ts'), alone);
    clients.push(ourClient, peerClient);
    let done = 0;
    type Clocks = Readonly<Record<string, () => number>>;
    const read = (clocks: Clocks) => Object.entries(clocks).map(([name, micros]) => [name, micros()] as const);
    const run = async (client: Client, clocks: Clocks): Promise<Measured> => {
      const before = read(clocks);
      const result = await client.run(seconds);
      if (result.wrong > 0) throw new Error(`${result.wrong} of ${result.calls} answers were wrong: no figure comes from that.`);
      options.onProgress(`get_record: ${++done}`);
      const micros = read(clocks).map(
        ([name, after], index) => [name, rounded((after - (before[index]?.[1] ?? 0)) / result.calls, 1)] as const,
      );
      const total = micros.reduce((sum, [, one]) => sum + one, 0);
      return { cpuMicros: rounded(total, 1), parts: Object.fromEntries(micros), perSecond: Math.round(result.calls / result.seconds) };
    };
    const postgres = () => cpuMicrosOfFamily(servers.postgres.pid);
    const ours = () => run(ourClient, { function: server.cpuMicros, pgbouncer: () => cpuMicrosOfFamily(servers.pgbouncer.pid), postgres });
    const peers = () => run(peerClient, { 'postgres.js': () => cpuMicros(peerClient.pid), postgres });
    for (let warmUp = 0; warmUp < warmRounds; warmUp++) {
      await ours();
      await peers();
    }
    const raw = await alternate(options.rounds, ours, peers);
    const cpu = (of: readonly Measured[]) => median(of.map((one) => one.cpuMicros));
    const rate = (of: readonly Measured[]) => median(of.map((one) => one.perSecond));
    return {
      get_record: {
        value: pairedRatio(raw, (one) => one.cpuMicros),
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
    await Promise.all(clients.map((client) => client.stop()));
    await server.stop();
  }
}
