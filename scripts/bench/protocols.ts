import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadPlan, LoadResult } from './load-client.ts';
import { runScript, type Server, startServer } from './process.ts';
import { alternate, median, type Ratio, rounded } from './ratios.ts';
import { sampleRecord } from './sample-record.ts';

const here = import.meta.dirname;

interface Measured extends LoadResult {
  /** The server's own processor time for one call, microseconds. */
  readonly cpuMicros: number;
}

async function measure(server: Server, plan: Omit<LoadPlan, 'port' | 'expected'>, folder: string): Promise<Measured> {
  const file = join(folder, `plan-${server.port}.json`);
  writeFileSync(file, JSON.stringify({ ...plan, port: server.port, expected: sampleRecord.id } satisfies LoadPlan));
  const before = server.cpuSeconds();
  const result: LoadResult = JSON.parse(await runScript(join(here, 'load-client.ts'), [file]));
  if (result.wrong > 0) throw new Error(`${result.wrong} of ${result.calls} answers were wrong: no figure comes from that.`);
  return { ...result, cpuMicros: rounded(((server.cpuSeconds() - before) / result.calls) * 1e6, 2) };
}

/**
 * Holds the runtime against plain servers, by what a call costs the server's processor: the client on the same machine
 * has no part in that, and two cores are enough.
 */
export async function benchProtocols(options: {
  readonly folder: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly environment: Record<string, string>;
  readonly targets: LoadPlan['targets'];
  readonly onProgress: (what: string) => void;
}): Promise<Record<string, Ratio>> {
  const cases = [
    { name: 'grpc_unary', protocol: 'grpc', peer: 'plain grpc-js', kind: 'grpc', goal: '>=0.9' },
    { name: 'json_h2c', protocol: 'http2', peer: 'raw node:http2', kind: 'http2', goal: '>=0.85' },
    { name: 'json_http1', protocol: 'http1', peer: 'node:http with the same server options', kind: 'http1', goal: '>=0.85' },
  ] as const;
  const ratios: Record<string, Ratio> = {};
  for (const { name, protocol, peer, kind, goal } of cases) {
    const ours = await startServer(
      join(here, 'our-server.ts'),
      () => [],
      options.folder,
      (port) => ({ ...options.environment, PORT: String(port), HOST: '127.0.0.1' }),
    );
    const plain = await startServer(join(here, 'peer-server.ts'), (port) => [kind, String(port)], options.folder);
    try {
      const plan = { protocol, concurrency: 64, seconds: options.seconds, targets: options.targets };
      const warmUp = { ...plan, seconds: 2 };
      await measure(ours, warmUp, options.folder);
      await measure(plain, warmUp, options.folder);
      let done = 0;
      const report = <T>(result: T): T => {
        options.onProgress(`${name}: ${++done} of ${2 * options.rounds}`);
        return result;
      };
      const raw = await alternate(
        options.rounds,
        async () => report(await measure(ours, plan, options.folder)),
        async () => report(await measure(plain, plan, options.folder)),
      );
      const cost = (measured: readonly Measured[]): number => median(measured.map((one) => one.cpuMicros));
      ratios[name] = {
        value: rounded(cost(raw.peers) / cost(raw.ours)),
        goal,
        peer: `${peer}: its processor time for a call over ours (${rounded(cost(raw.peers), 1)} µs and ${rounded(cost(raw.ours), 1)} µs)`,
        raw,
      };
    } finally {
      await ours.stop();
      await plain.stop();
    }
  }
  return ratios;
}
