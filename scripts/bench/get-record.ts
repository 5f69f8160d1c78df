import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadPlan, LoadResult } from './load-client.ts';
import { runScript, startServer } from './process.ts';
import { alternate, median, type Ratio, rounded } from './ratios.ts';
import type { StatementPlan } from './statement-client.ts';

/**
 * GetRecord as a client has it (h2c, the runtime, PgBouncer, PostgreSQL) against postgres.js alone, straight to
 * PostgreSQL, with the same statement for the same accounts and records: calls a second, one after the other.
 */
export async function benchGetRecord(options: {
  readonly folder: string;
  readonly dist: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly environment: Record<string, string>;
  readonly directUrl: string;
  readonly targets: readonly (LoadPlan['targets'][number] & { readonly userId: string; readonly sessionId: string })[];
  readonly expected: string;
  readonly onProgress: (what: string) => void;
}): Promise<Record<string, Ratio>> {
  const { folder, seconds, targets, expected } = options;
  const server = await startServer(
    join(options.dist, 'records-get-record', 'index.js'),
    () => [],
    folder,
    (port) => ({
      ...options.environment,
      PORT: String(port),
      HOST: '127.0.0.1',
    }),
  );
  try {
    const through = join(folder, 'get-record.json');
    writeFileSync(
      through,
      JSON.stringify({ protocol: 'http2', port: server.port, seconds, concurrency: 16, targets, expected } satisfies LoadPlan),
    );
    const alone = join(folder, 'statement.json');
    writeFileSync(
      alone,
      JSON.stringify({ url: options.directUrl, seconds, concurrency: 16, poolMax: 2, targets, expected } satisfies StatementPlan),
    );
    let done = 0;
    const run = async (script: string, plan: string): Promise<number> => {
      const result: LoadResult = JSON.parse(await runScript(join(import.meta.dirname, script), [plan]));
      if (result.wrong > 0) throw new Error(`${result.wrong} of ${result.calls} answers were wrong: no figure comes from that.`);
      options.onProgress(`get_record: ${++done} of ${2 * options.rounds + 2}`);
      return Math.round(result.calls / result.seconds);
    };
    const ours = () => run('load-client.ts', through);
    const peers = () => run('statement-client.ts', alone);
    await ours();
    await peers();
    const raw = await alternate(options.rounds, ours, peers);
    return {
      get_record: {
        value: rounded(median(raw.ours) / median(raw.peers)),
        goal: '>=0.6',
        peer: `postgres.js alone, straight to PostgreSQL, same statement (${median(raw.ours)} and ${median(raw.peers)} a second)`,
        raw,
      },
    };
  } finally {
    await server.stop();
  }
}
