import type { Rpc } from '../functions/runtime/contract.ts';
import { commonRefusals, grpcCodes } from '../functions/runtime/refusal.ts';
import { statusDetails } from './status-details.ts';

// biome-ignore lint/suspicious/noExplicitAny: rpcs of every type, as proto/generated/rpcs.ts lists them
type AnyRpc = Rpc<any, any>;

/** Serves reflection and health for all services: each bundle carries the whole descriptor set, and this one is the most likely to be warm. */
const speaksForAll = 'records-get-record';

/** gRPC services that every function has, beside its own. */
const commonServices = ['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection', 'grpc.health.v1.Health'];

/** Status of a fault inside Caddy → reason of the error table. A 502 is Caddy's "no answer from the function". */
const edgeReasons = {
  400: 'MALFORMED_BODY',
  404: 'ROUTE_NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  408: 'REQUEST_TIMEOUT',
  413: 'BODY_TOO_LARGE',
  431: 'HEADERS_TOO_LARGE',
  499: 'CANCELLED',
  502: 'UPSTREAM_UNAVAILABLE',
  503: 'UPSTREAM_UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
} as const satisfies Record<number, keyof typeof commonRefusals>;

/** The environment variable that tells Caddy where a function is (host:port): "RECORDS_GET_RECORD_UPSTREAM". */
export const upstreamVariable = (functionName: string): string => `${functionName.replaceAll('-', '_').toUpperCase()}_UPSTREAM`;

/**
 * Writes caddy/generated/routes.caddy: the contract's routes as snippets of the Caddyfile (grpc_routes, http_routes, and the
 * edge's rows of the error table). Addresses are environment variables (`upstreamVariable`), so one file serves local
 * processes and the cluster.
 * @param rpcs every rpc of the contract, in any order
 * @returns the text, the same for the same contract
 */
export function renderRoutes(rpcs: readonly AnyRpc[]): string {
  return [
    '# Generated from proto/*.proto by `npm run generate`. Do not edit.',
    ...snippet('grpc_routes', grpcRoutes(rpcs)),
    ...snippet('http_routes', pathsOf(rpcs).flatMap(httpRoutes)),
    ...snippet('only_read', refuseMethod('read', ['GET', 'HEAD'])),
    ...snippet('refusals', refusals()),
    '',
  ].join('\n');
}

type Way = 'read' | 'call' | 'stream';

const indent = (lines: readonly string[]): string[] => lines.map((line) => `\t${line}`);
const block = (head: string, lines: readonly string[]): string[] => [`${head} {`, ...indent(lines), '}'];
const snippet = (name: string, lines: readonly string[]): string[] => ['', ...block(`(${name})`, lines)];
const handle = (matcher: string, lines: readonly string[]): string[] => block(`handle @${matcher}`, lines);
const to = (way: Way, functionName: string): string => `import ${way} {$${upstreamVariable(functionName)}} ${functionName}`;

/** gRPC goes by full method path: an rpc that nobody declared is answered here. */
function grpcRoutes(rpcs: readonly AnyRpc[]): string[] {
  const named = sorted(rpcs, (rpc) => rpc.path).flatMap((rpc) => {
    const matcher = `grpc_${matcherName(rpc.functionName)}`;
    const way = rpc.clientStreaming || rpc.serverStreaming ? 'stream' : 'call';
    return [`@${matcher} path ${rpc.path}`, ...handle(matcher, [to(way, rpc.functionName)])];
  });
  const common = `@grpc_common path ${commonServices.map((service) => `/${service}/*`).join(' ')}`;
  return [...named, common, ...handle('grpc_common', [to('stream', speaksForAll)]), ...block('handle', ['error 404'])];
}

/** One path of the contract with everything that is done there. */
interface Path {
  readonly path: string;
  readonly rules: readonly { readonly methods: readonly string[]; readonly rpc: AnyRpc }[];
}

/** The contract's paths, the most specific first: "/api/records/healthz" before "/api/records/{record_id}". */
function pathsOf(rpcs: readonly AnyRpc[]): Path[] {
  const byPath = new Map<string, Map<string, { methods: string[]; rpc: AnyRpc }>>();
  for (const rpc of sorted(rpcs, ({ functionName }) => functionName)) {
    for (const { method, path } of rpc.http) {
      // Two names for one variable are one path: /api/records/{id} and /api/records/{record_id}.
      const shape = path.replaceAll(/\{[^}]*\}/g, '{}');
      const functions = byPath.get(shape) ?? new Map();
      byPath.set(shape, functions);
      const rule = functions.get(rpc.functionName) ?? { methods: [], rpc };
      functions.set(rpc.functionName, rule);
      rule.methods.push(method, ...(method === 'GET' ? ['HEAD'] : []));
    }
  }
  const paths = [...byPath].map(([path, functions]) => ({ path, rules: [...functions.values()] }));
  return sorted(paths, ({ path }) => path.replaceAll('{}', '~'));
}

/**
 * A path that belongs to one function goes there with any method: the function itself answers 405. Where functions share a path, the
 * edge knows who takes which method, and answers 405 for the others with all of them in Allow.
 */
function httpRoutes({ path, rules }: Path): string[] {
  const place = path.includes('{}') ? `path_regexp ^${escapeRegexp(path).replaceAll('\\{\\}', '[^/]+')}$` : `path ${path}`;
  const name = `http_${matcherName(path)}`;
  const [only] = rules;
  if (only !== undefined && rules.length === 1) return [`@${name} ${place}`, ...handle(name, [to(wayOf(only.rpc), only.rpc.functionName)])];
  const shared = rules.flatMap(({ methods, rpc }) => {
    const matcher = `to_${matcherName(rpc.functionName)}`;
    return [`@${matcher} method ${methods.join(' ')}`, ...handle(matcher, [to(wayOf(rpc), rpc.functionName)])];
  });
  const allow = sorted(
    rules.flatMap(({ methods }) => methods),
    (method) => method,
  ).join(', ');
  return [`@${name} ${place}`, ...handle(name, [...shared, ...block('handle', [`vars allow "${allow}"`, 'error 405'])])];
}

function wayOf(rpc: AnyRpc): Way {
  if (rpc.clientStreaming || rpc.serverStreaming) return 'stream';
  return rpc.idempotency === 'NO_SIDE_EFFECTS' ? 'read' : 'call';
}

const refuseMethod = (name: string, methods: readonly string[]): string[] => [
  `@not_${name} not method ${methods.join(' ')}`,
  ...handle(`not_${name}`, [`vars allow "${methods.join(', ')}"`, 'error 405']),
];

/** The rows of the error table that the edge itself may need, so that their sentences stand in one place. */
function refusals(): string[] {
  const row = (reason: keyof typeof commonRefusals): string => {
    const { http, grpc, says } = commonRefusals[reason];
    // It stands between quotes in the Caddyfile, in JSON and, as it is, in a header.
    if (!/^[\x20-\x7e]*$/.test(says) || /["\\{}%]/.test(says))
      throw new Error(`The sentence of ${reason} can't be shown by the edge: "${says}"`);
    return `${http} ${reason} ${grpcCodes[grpc]} "${says}" ${statusDetails(reason, commonRefusals[reason])}`;
  };
  const rows = Object.entries(edgeReasons).map(([status, reason]) => `${status} ${row(reason)}`);
  return block('map {err.status_code} {refusal.status} {refusal.reason} {refusal.grpc} {refusal.says} {refusal.details}', [
    ...rows,
    `default ${row('INTERNAL')}`,
  ]);
}

/** "/api/records:export" → api_records__export, "/api/records/{}" → api_records_any: two paths of one name can't be told apart in the Caddyfile, and don't get past its parser. */
const matcherName = (text: string): string =>
  text
    .replaceAll('{}', 'any')
    .replaceAll(':', '__')
    .replace(/^\W+/, '')
    .replaceAll(/[^a-z0-9_]/gi, '_');
const escapeRegexp = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
const sorted = <T>(items: readonly T[], key: (item: T) => string): T[] => [...items].sort((a, b) => (key(a) < key(b) ? -1 : 1));
