import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DemoFailed, findEdge } from './demo/edge.ts';
import { http2Client } from './demo/http2.ts';
import { progress } from './demo/progress.ts';
import { type Account, claimAccounts, readyAccounts } from './load/accounts.ts';
import { type Figures, figuresOf } from './load/figures.ts';
import { duration, showLive } from './load/live.ts';
import { help, type LoadOptions, readOptions } from './load/options.ts';
import { clusterIsNamed } from './load/pods.ts';
import { pageOf } from './load/report/page.ts';
import { startRun } from './load/run.ts';
import { scenarios } from './load/scenarios.ts';
import { Remedy } from './tools/install.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);
/** After Ctrl-C, what is under way is waited for so long. */
const patienceSeconds = 10;

/** @returns exit code: 0 every request got the right answer, 1 one did not or the command failed, 2 wrong usage */
async function main(args: readonly string[]): Promise<number> {
  let options: LoadOptions | undefined;
  try {
    options = readOptions(args, new Date());
  } catch (error) {
    say(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(help);
    return 0;
  }
  const stop = new AbortController();
  const kill = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) kill.abort();
    else say(`\nending: what is under way has ${patienceSeconds} s (Ctrl-C once more ends at once)`);
    stop.abort();
    setTimeout(() => kill.abort(), patienceSeconds * 1000).unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  try {
    return await load(options, stop.signal, kill.signal);
  } catch (error) {
    if (stop.signal.aborted) say('ended before anything was sent');
    else say(error instanceof Remedy || error instanceof DemoFailed ? error.message : ((error as Error).stack ?? String(error)));
    return 1;
  }
}

async function load(asked: LoadOptions, stop: AbortSignal, kill: AbortSignal): Promise<number> {
  if (scenarios[asked.scenario].fromZero === 'always' && !clusterIsNamed())
    throw new Remedy(
      `${asked.scenario} needs a cluster, to see that a function has no pod.\nBring one up (npm run cluster -- up), or name yours in KUBECONFIG.`,
    );
  const edge = await findEdge(asked.target, trusted(asked));
  const client = await http2Client(edge);
  const claim = claimAccounts(asked.accountsFile);
  const options = { ...asked, accountsFile: claim.file };
  try {
    const accounts = await accountsOf(options, client, stop);
    mkdirSync(options.out, { recursive: true });
    const commandLog = join(options.out, 'command.log');
    const running = startRun({ options, edge, client, accounts, stop, kill, say, commandLog });
    const endLive = showLive(`${options.scenario} ${edge.origin}`, running.progress, process.stderr);
    const run = await running.over.finally(endLive);
    const figures = figuresOf(run);
    writeFileSync(join(options.out, 'report.json'), `${JSON.stringify(figures, null, 1)}\n`);
    writeFileSync(join(options.out, 'report.html'), pageOf(figures));
    process.stdout.write(summaryOf(figures, options.out));
    if (run.commandEnded !== 0 && existsSync(commandLog)) say(`The command ended with ${run.commandEnded}. What it said: ${commandLog}`);
    return figures.totals.failed > 0 || run.commandEnded !== 0 ? 1 : 0;
  } finally {
    claim.release();
    client.close();
  }
}

/** The file with what is trusted: the one that was named, else the roots of the local stack and of the cluster, as far as they are there. */
function trusted({ ca, trust }: LoadOptions): string {
  if (ca !== undefined) return ca;
  const there = trust.filter((file) => existsSync(file));
  if (there.length < 2) return there[0] ?? (trust[0] as string);
  const both = join(dirname(trust[0] as string), 'trusted.crt');
  writeFileSync(both, there.map((file) => readFileSync(file, 'utf8')).join('\n'));
  return both;
}

async function accountsOf(
  options: LoadOptions,
  client: Parameters<typeof readyAccounts>[0]['client'],
  signal: AbortSignal,
): Promise<Account[]> {
  const shown = progress('accounts', options.users);
  try {
    return await readyAccounts({ client, count: options.users, file: options.accountsFile, onProgress: shown.at, signal });
  } finally {
    shown.end();
  }
}

/** What is printed at the end. */
function summaryOf(figures: Figures, out: string): string {
  const { totals, latency, coldStarts, pods } = figures;
  const flaps = pods.reduce((sum, { flaps }) => sum + flaps, 0);
  const slowestStart = Math.max(0, ...coldStarts.map(({ firstRequest }) => firstRequest?.latencyMs ?? 0));
  return [
    `${figures.scenario}${figures.interrupted ? ' (interrupted)' : ''}: ${totals.sent} requests at ${totals.rate.toFixed(1)}/s, ${totals.failed} failed, ${totals.late} late, ${totals.dropped} dropped, ${totals.unanswered} without an answer at the end`,
    `latency: p50 ${duration(latency.p50)}, p95 ${duration(latency.p95)}, p99 ${duration(latency.p99)}, longest ${duration(latency.max)}`,
    ...(pods.length === 0
      ? []
      : [
          `cold starts: ${coldStarts.length}${coldStarts.length > 0 ? `, the slowest first request ${duration(slowestStart)}` : ''}; flaps: ${flaps}`,
        ]),
    ...figures.reasons.slice(0, 10).map(({ functionName, reason, count }) => `failed ${count} × ${functionName}: ${reason}`),
    ...(totals.dropped > 0 ? ['The generator could not keep up: requests were dropped, so this is not the load that was asked for.'] : []),
    `report: ${join(out, 'report.html')}`,
    `raw:    ${join(out, 'report.json')}`,
    '',
  ].join('\n');
}

process.exit(await main(process.argv.slice(2)));
