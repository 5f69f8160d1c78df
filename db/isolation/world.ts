import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { Collector, RecordsTest } from '../../functions/records/testing.ts';
import type { AnyFunction } from '../../functions/runtime/define-function.ts';
import { GrpcRefused, type Started, startFunction } from '../../functions/testing/start.ts';
import type { Attempt } from './attempts.ts';

const root = join(import.meta.dirname, '../..');

/** Every function of records, started in this process, by its name. */
export async function startAll(test: RecordsTest): Promise<Map<string, Started<object, object>>> {
  const files = globSync('functions/records/*/function.ts', { cwd: root }).sort();
  const definitions = await Promise.all(files.map(async (file) => (await import(join(root, file))).default as AnyFunction));
  const started = definitions.map(
    async (definition) => [definition.rpc.functionName, await startFunction(definition as never, test.environment)] as const,
  );
  return new Map(await Promise.all(started)) as Map<string, Started<object, object>>;
}

/** What an account was told, word for word. */
export interface Told {
  readonly what: string;
  readonly json: { readonly status: number; readonly headers: readonly string[]; readonly text: string };
  readonly grpc: string;
}

/** Makes one attempt, over HTTP and over gRPC where it has both. */
export async function tell(server: Started<object, object>, who: Collector, attempt: Attempt): Promise<Told> {
  const { method, path, body, headers = {}, grpc } = attempt;
  const answer = await server.json(method, path, { token: who.token, body, headers });
  return {
    what: `${attempt.what}: ${method} ${path}`,
    json: {
      status: answer.status,
      headers: [...answer.headers].map(([name, value]) => `${name}: ${value}`).sort(),
      text: typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body),
    },
    grpc: grpc === undefined ? '' : await toldByGrpc(server, who, grpc),
  };
}

async function toldByGrpc(server: Started<object, object>, { token }: Collector, request: object): Promise<string> {
  try {
    return JSON.stringify(await server.call(request, { token }));
  } catch (error) {
    if (!(error instanceof GrpcRefused)) throw error;
    const { code, message, reason, violations, metadata } = error;
    return JSON.stringify({ code, message, reason, violations, metadata: metadata.getMap() });
  }
}

/** Without what differs between any two answers: times, ids, tokens, and what names the request itself. */
export function leveled({ what, json, grpc }: Told): object {
  const level = (text: string): string =>
    text
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '<id>')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
      .replaceAll(/"nextPageToken":"[^"]+"/g, '"nextPageToken":"<token>"')
      .replaceAll(/\b[0-9a-f]{32}\b/g, '<request>');
  return {
    what: level(what),
    status: json.status,
    headers: json.headers
      .filter((header) => !/^(date|x-request-id|traceparent|content-length|keep-alive|connection):/.test(header))
      .map(level),
    text: level(json.text),
    grpc: level(grpc).replaceAll(/"(x-request-id|date|grpc-status-details-bin)":("[^"]*"|\{[^}]*\})/g, ''),
  };
}

/** Every byte that an account got, in one text. */
export const everything = (all: readonly Told[]): string =>
  all.map(({ json, grpc }) => `${json.headers.join('\n')}\n${json.text}\n${grpc}`).join('\n');
