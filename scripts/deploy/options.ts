import { parseArgs } from 'node:util';
import { type Overlay, overlays } from '../../knative/manifests/render.ts';

export const help = `npm run deploy -- [options] [function …]

Builds functions, their images and the platform's, gives them to the cluster, migrates the database, applies the manifests, waits until
everything is ready, and asks the edge. Without names: every function. The cluster is the one that KUBECONFIG names, else that of
npm run cluster.

  --overlay NAME     ${overlays.join(' or ')} (knative/overlays); local
  --push REGISTRY    sends images to REGISTRY/NAME and deploys them by digest; without it they are loaded into the local cluster
  --canary PERCENT   the new revision gets 1 to 99 % of the requests, the one before it the rest
  --promote          a canary gets everything, now and at later deploys
  --rollback         everything goes back to the revision before: from a canary, or from a deploy. New revisions get nothing then
  --unpin            after a rollback: deploys as usual, and new revisions get requests again
  --edge HOST[:PORT] where the edge is asked at the end; else this machine, or the load balancer's address
  --timeout SECONDS  how long functions may take to become ready; 300
  --dry-run          says what would change; changes nothing
  -o json            the result as JSON on stdout
  --help             this text

It prints the kn commands that do the same. Exit codes: 0 done, 1 failed, 2 wrong usage.
`;

/** What to do with functions whose code is there already. */
export type Action = 'deploy' | 'promote' | 'rollback';

export interface Options {
  readonly action: Action;
  /** Empty: all of them. */
  readonly functions: readonly string[];
  readonly overlay: Overlay;
  readonly push: string | undefined;
  /** 1 to 99 */
  readonly canary: number | undefined;
  readonly unpin: boolean;
  readonly edge: { readonly host: string; readonly port: number } | undefined;
  readonly timeoutSeconds: number;
  readonly dryRun: boolean;
  readonly json: boolean;
}

export class WrongUsage extends Error {}

/** @returns undefined where only help is asked for @throws WrongUsage */
export function readOptions(args: readonly string[], known: readonly string[]): Options | undefined {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    throw new WrongUsage((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) return undefined;
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new WrongUsage(`There is no function ${unknown.join(', ')}; there are ${known.join(', ')}.`);
  if (!overlays.some((name) => name === values.overlay))
    throw new WrongUsage(`There is no overlay ${values.overlay}; there are ${overlays.join(', ')}.`);
  if (values.output !== undefined && values.output !== 'json') throw new WrongUsage(`-o knows json, not ${values.output}.`);
  const canary = values.canary === undefined ? undefined : wholeNumber('--canary', values.canary, 1, 99);
  const actions = [values.promote && '--promote', values.rollback && '--rollback', canary && '--canary', values.unpin && '--unpin'];
  const chosen = actions.filter((name) => name);
  if (chosen.length > 1) throw new WrongUsage(`${chosen.join(' and ')} don't go together.`);
  return {
    action: values.promote ? 'promote' : values.rollback ? 'rollback' : 'deploy',
    functions: [...new Set(positionals)],
    overlay: values.overlay as Overlay,
    push: values.push?.replace(/\/$/, ''),
    canary,
    unpin: values.unpin,
    edge: values.edge === undefined ? undefined : hostAndPort(values.edge),
    timeoutSeconds: wholeNumber('--timeout', values.timeout, 1, 86_400),
    dryRun: values['dry-run'],
    json: values.output === 'json',
  };
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      overlay: { type: 'string', default: 'local' },
      push: { type: 'string' },
      canary: { type: 'string' },
      promote: { type: 'boolean', default: false },
      rollback: { type: 'boolean', default: false },
      unpin: { type: 'boolean', default: false },
      edge: { type: 'string' },
      timeout: { type: 'string', default: '300' },
      'dry-run': { type: 'boolean', default: false },
      output: { type: 'string', short: 'o' },
      help: { type: 'boolean', default: false },
    },
  });

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new WrongUsage(`${option} is a whole number from ${min} to ${max}, not ${text}.`);
  return value;
}

function hostAndPort(text: string): { host: string; port: number } {
  const [, host = '', port = '8443'] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(text) ?? [];
  if (host === '') throw new WrongUsage(`--edge is HOST or HOST:PORT, not ${text}.`);
  return { host: host.replace(/^\[|\]$/g, ''), port: wholeNumber('--edge', port, 1, 65_535) };
}
