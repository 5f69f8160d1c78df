import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stackSettings } from '../stack/state.ts';
import { kinds, type Mix } from './requests.ts';
import { type ScenarioName, scenarioNames, scenarios } from './scenarios.ts';
import { plannedCount } from './schedule.ts';

export interface LoadOptions {
  readonly scenario: ScenarioName;
  /** https://HOST:PORT */
  readonly target: string;
  /** PEM file of the root to trust, where one was named. */
  readonly ca: string | undefined;
  /** The roots to trust where none was named: the local stack's and the cluster's. */
  readonly trust: readonly string[];
  /** Requests a second. */
  readonly rate: number;
  readonly seconds: number;
  /** Of a burst. */
  readonly requests: number;
  readonly runs: number;
  /** Accounts that the requests are shared among. */
  readonly users: number;
  /** Share of gRPC, 0 to 1. */
  readonly grpc: number;
  readonly mix: Mix;
  readonly timeoutSeconds: number;
  /** Requests under way at once. */
  readonly inFlightMax: number;
  /** Shell command of a rollout. */
  readonly during: string | undefined;
  /** Folder of the report. */
  readonly out: string;
  /** Keeps the accounts for the next run. */
  readonly accountsFile: string;
}

/** Nobody asks for more by accident. */
const bounds = {
  rate: { min: 0.1, max: 20_000 },
  seconds: { min: 1, max: 3600 },
  requests: { min: 1, max: 10_000 },
  runs: { min: 1, max: 100 },
  users: { min: 1, max: 500 },
  grpc: { min: 0, max: 1 },
  timeout: { min: 1, max: 300 },
  'in-flight': { min: 1, max: 20_000 },
} as const;
const requestsMax = 1_000_000;

export const help = `npm run load -- --scenario NAME [options]

Sends requests of many users over the edge, on HTTP/2: each at its own time, whatever became of those before it (an open loop).
Checks every answer, shows rate, latency and pods while it runs, and writes a report: report.json and report.html.

Scenarios:
${scenarioNames.map((name) => `  ${name.padEnd(14)}${scenarios[name].says}`).join('\n')}

  --target URL        the edge (https://record.local:8443)
  --ca FILE           the root certificate to trust (the local stack's, and the one that npm run deploy has written)
  --rate N            requests a second (50)
  --seconds N         how long (60; ramp 120; rollout 600, the most that it may take)
  --requests N        of a burst (200)
  --runs N            how often (1; from-zero 5)
  --users N           accounts, registered through the API and kept for the next run (50)
  --grpc SHARE        how many of the requests speak gRPC (0.2); the others REST
  --mix K=N,K=N       how often each kind is chosen (get=60,list=25,search=10,create=4,update=1; burst and from-zero get=1)
                      kinds: ${kinds.join(', ')}
  --during COMMAND    rollout: what runs under the load, by sh -c
  --timeout SECONDS   a request without an answer by then has failed (30)
  --in-flight N       requests under way at once (4000); what has no room is late, and dropped after a second
  --out DIR           the report's folder (load/SCENARIO-TIME in the state folder)
  --help              this text

Pods are shown where there is a cluster: KUBECONFIG's, or the local one.
Ctrl-C ends the sending, waits for what is under way, and writes the report of what was seen; once more ends at once.

Exit codes: 0 every request got the right answer, 1 one did not or the command failed, 2 wrong usage.
`;

/**
 * Reads the command line.
 * @returns undefined where help is asked for
 * @throws Error that says what is wrong
 */
export function readOptions(args: readonly string[], now: Date): LoadOptions | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: text,
      target: text,
      ca: text,
      rate: text,
      seconds: text,
      requests: text,
      runs: text,
      users: text,
      grpc: text,
      mix: text,
      during: text,
      timeout: text,
      'in-flight': text,
      out: text,
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return undefined;
  const scenario = scenarioNames.find((name) => name === values.scenario);
  if (scenario === undefined) throw new Error(`--scenario takes one of ${scenarioNames.join(', ')}`);
  const { edgePort, folder } = stackSettings();
  const target = values.target ?? `https://record.local:${edgePort}`;
  if (!URL.canParse(target) || new URL(target).protocol !== 'https:') throw new Error(`--target ${target} is no https:// URL`);
  const number = (name: keyof typeof bounds, fallback: number): number => numberOf(name, values[name], fallback);
  const { defaults, schedule } = scenarios[scenario];
  if ((scenario === 'rollout') !== (values.during !== undefined))
    throw new Error('rollout needs --during COMMAND, and no other scenario takes one');
  const options: LoadOptions = {
    scenario,
    target,
    ca: values.ca,
    trust: [join(folder, 'ca/root.crt'), join(folder, 'ca/cluster.crt')],
    rate: number('rate', defaults.rate),
    seconds: whole('seconds', number('seconds', defaults.seconds)),
    requests: whole('requests', number('requests', defaults.requests)),
    runs: whole('runs', number('runs', defaults.runs)),
    users: whole('users', number('users', 50)),
    grpc: number('grpc', 0.2),
    mix: values.mix === undefined ? defaults.mix : mixOf(values.mix),
    timeoutSeconds: number('timeout', 30),
    inFlightMax: whole('in-flight', number('in-flight', 4000)),
    during: values.during,
    out: values.out ?? join(folder, 'load', `${scenario}-${now.toISOString().slice(0, 19).replaceAll(':', '.')}`),
    accountsFile: join(folder, 'load', `accounts-${new URL(target).host.replace(':', '-')}.json`),
  };
  if (options.runs * plannedCount(schedule(options)) > requestsMax) throw new Error(`That is more than ${requestsMax} requests`);
  return options;
}

function numberOf(name: keyof typeof bounds, given: string | undefined, fallback: number): number {
  if (given === undefined) return fallback;
  const value = given.trim() === '' ? Number.NaN : Number(given);
  const { min, max } = bounds[name];
  if (!(value >= min && value <= max)) throw new Error(`--${name} takes a number from ${min} to ${max}`);
  return value;
}

function whole(name: string, value: number): number {
  if (!Number.isInteger(value)) throw new Error(`--${name} takes a whole number`);
  return value;
}

function mixOf(given: string): Mix {
  const entries = given.split(',').map((part) => {
    const [name = '', weight = ''] = part.split('=');
    const kind = kinds.find((each) => each === name.trim());
    if (kind === undefined || weight.trim() === '' || !(Number(weight) >= 0))
      throw new Error(`--mix takes KIND=NUMBER,… with the kinds ${kinds.join(', ')}; not "${part}"`);
    return [kind, Number(weight)] as const;
  });
  if (!entries.some(([, weight]) => weight > 0)) throw new Error('--mix needs a number above 0');
  return Object.fromEntries(entries);
}
