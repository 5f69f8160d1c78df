import { type ChildProcess, spawn } from 'node:child_process';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { join } from 'node:path';
import { freePort } from './process.ts';
import { alternate, median, type Ratio, rounded } from './ratios.ts';

/** Asks once; the status of the answer. @throws where nobody listens yet. */
type Ask = (port: number) => Promise<number>;

const connected = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

const askHttp1: Ask = (port) =>
  new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, path: '/livez', agent: false }, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
      })
      .once('error', reject);
  });

const askHttp2 =
  (path: string, token: string): Ask =>
  (port) =>
    new Promise((resolve, reject) => {
      const session = http2.connect(`http://127.0.0.1:${port}`);
      session.once('error', reject);
      const stream = session.request({ ':path': path, authorization: `Bearer ${token}` });
      let status = 0;
      stream.once('response', (headers) => {
        status = Number(headers[':status']);
      });
      stream.resume();
      stream.once('end', () => {
        session.destroy();
        resolve(status);
      });
      stream.once('error', reject);
    });

/** Milliseconds from exec to the first 200 of a process that is started for it and ended after it. */
async function firstAnswer(script: string, environment: Record<string, string>, ask: Ask): Promise<number> {
  const port = await freePort();
  const started = performance.now();
  const child: ChildProcess = spawn(process.execPath, [script], {
    stdio: 'ignore',
    env: { ...environment, PORT: String(port), HOST: '127.0.0.1' },
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  try {
    while (!(await connected(port))) {
      if (performance.now() - started > 10_000) throw new Error(`${script} did not listen within 10 s`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const status = await ask(port);
    if (status !== 200) throw new Error(`${script} answered ${status}`);
    return performance.now() - started;
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

/** Exec to first answer, against the least that Node can do. */
export async function benchColdStart(options: {
  readonly dist: string;
  readonly runs: number;
  readonly environment: Record<string, string>;
  readonly target: { readonly token: string; readonly recordId: string };
  readonly onProgress: (what: string) => void;
}): Promise<Record<string, Ratio>> {
  const bundle = join(options.dist, 'records-get-record', 'index.js');
  const bare = join(import.meta.dirname, 'bare-server.cjs');
  const cases: { name: string; goal: string; ask: Ask; says: string }[] = [
    { name: 'cold_start_ready', goal: '<=1.5', ask: askHttp1, says: 'first 200 without a database' },
    {
      name: 'cold_start_call',
      goal: '<=2',
      ask: askHttp2(`/api/records/${options.target.recordId}`, options.target.token),
      says: 'first authenticated GetRecord over h2c, its query through PgBouncer included',
    },
  ];
  const ratios: Record<string, Ratio> = {};
  for (const { name, goal, ask, says } of cases) {
    await firstAnswer(bundle, options.environment, ask); // the disk is warm for both
    await firstAnswer(bare, {}, askHttp1);
    let done = 0;
    const report = (milliseconds: number): number => {
      options.onProgress(`${name}: ${++done} of ${2 * options.runs}`);
      return rounded(milliseconds, 1);
    };
    const raw = await alternate(
      options.runs,
      async () => report(await firstAnswer(bundle, options.environment, ask)),
      async () => report(await firstAnswer(bare, {}, askHttp1)),
    );
    ratios[name] = {
      value: rounded(median(raw.ours) / median(raw.peers)),
      goal,
      peer: `bare node:http, exec to first 200; ours: ${says} (${rounded(median(raw.ours), 1)} ms and ${rounded(median(raw.peers), 1)} ms)`,
      raw,
    };
  }
  return ratios;
}
