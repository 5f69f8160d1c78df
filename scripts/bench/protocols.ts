import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadPlan } from './load-client.ts';
import { type Client, type Server, startClient, startServer } from './process.ts';
import { alternate, median, pairedRatio, type Ratio, rounded } from './ratios.ts';
import { sampleRecord } from './sample-record.ts';
import type { LoadResult } from './windows.ts';

const here = import.meta.dirname;

interface Measured extends LoadResult {
  /** The server's own processor time for one call, microseconds. */
  readonly cpuMicros: number;
}

/** Calls after which V8 compiles no more of either server; on a slow machine that is longer than some seconds. */
const warmCalls = 60_000;

/** Of each server: how its memory and its compiled code happen to lie moves what a call costs by some percent, for as long as it runs. */
const processesMax = 5;

/**
 * Warms two servers in turn, up to the first measurement: the calls of one that has to wait for some seconds cost 3 % more for as long as
 * it runs, probably because V8 gives compiled code and memory back.
 */
async function warmUp(pairs: readonly Pair[]): Promise<void> {
  const calls = pairs.map(() => 0);
  for (let round = 0; calls.some((count) => count < warmCalls) && round < 50; round++)
    for (const [index, pair] of pairs.entries()) calls[index] = (calls[index] as number) + (await pair.measure(0.5)).calls;
}

/** A server and the client that calls it. */
class Pair {
  readonly #server: Server;
  readonly #client: Client;

  constructor(server: Server, plan: Omit<LoadPlan, 'port' | 'expected'>, folder: string) {
    const file = join(folder, `plan-${server.port}.json`);
    writeFileSync(file, JSON.stringify({ ...plan, port: server.port, expected: sampleRecord.id } satisfies LoadPlan));
    this.#server = server;
    this.#client = startClient(join(here, 'load-client.ts'), file);
  }

  async measure(seconds: number): Promise<Measured> {
    const before = this.#server.cpuMicros();
    const result = await this.#client.run(seconds);
    if (result.wrong > 0) throw new Error(`${result.wrong} of ${result.calls} answers were wrong: no figure comes from that.`);
    return { ...result, cpuMicros: rounded((this.#server.cpuMicros() - before) / result.calls, 2) };
  }

  async stop(): Promise<void> {
    await this.#client.stop();
    await this.#server.stop();
  }
}

interface Case {
  readonly name: string;
  readonly protocol: LoadPlan['protocol'];
  readonly peer: string;
  readonly kind: 'grpc' | 'http2' | 'http1';
  readonly goal: string;
  /** The peer has the process settings of functions too. Else it is as whoever writes `node server.js` has it. */
  readonly alike?: true;
}

/**
 * Holds the runtime, as production starts it, against plain servers, by what a call costs the server's processor: the client on the same machine
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
  const cases: readonly Case[] = [
    { name: 'grpc_unary', protocol: 'grpc', peer: 'plain grpc-js', kind: 'grpc', goal: '>=0.9' },
    { name: 'json_h2c', protocol: 'http2', peer: 'raw node:http2', kind: 'http2', goal: '>=0.85' },
    { name: 'json_h2c_alike', protocol: 'http2', peer: 'raw node:http2 with our process settings', kind: 'http2', goal: '-', alike: true },
    { name: 'json_http1', protocol: 'http1', peer: 'node:http with the same server options', kind: 'http1', goal: '>=0.85' },
  ];
  const ratios: Record<string, Ratio> = {};
  for (const { name, protocol, peer, kind, goal, alike } of cases) {
    const raw: { ours: Measured[]; peers: Measured[] } = { ours: [], peers: [] };
    let done = 0;
    const window = async (pair: Pair): Promise<Measured> => {
      options.onProgress(`${name}: ${++done} of ${2 * options.rounds}`);
      return pair.measure(options.seconds);
    };
    const processes = Math.min(processesMax, options.rounds);
    for (let turn = 0; turn < processes; turn++) {
      const ours = await startServer(
        join(here, 'our-server.ts'),
        () => [],
        options.folder,
        (port) => ({ ...options.environment, PORT: String(port), HOST: '127.0.0.1' }),
        true,
      );
      const plain = await startServer(join(here, 'peer-server.ts'), (port) => [kind, String(port)], options.folder, undefined, alike);
      const plan = { protocol, concurrency: 64, targets: options.targets };
      const [our, their] = [new Pair(ours, plan, options.folder), new Pair(plain, plan, options.folder)];
      try {
        await warmUp([our, their]);
        const some = await alternate(
          Math.ceil((options.rounds - turn) / processes),
          () => window(our),
          () => window(their),
        );
        raw.ours.push(...some.ours);
        raw.peers.push(...some.peers);
      } finally {
        await our.stop();
        await their.stop();
      }
    }
    const cost = (measured: readonly Measured[]): number => median(measured.map((one) => one.cpuMicros));
    ratios[name] = {
      value: pairedRatio(raw, (one) => one.cpuMicros),
      goal,
      peer: `${peer}: its processor time for a call over ours (${rounded(cost(raw.peers), 1)} µs and ${rounded(cost(raw.ours), 1)} µs)`,
      raw,
    };
  }
  return ratios;
}
