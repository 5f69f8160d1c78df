import { randomUUID } from 'node:crypto';
import { newEmail } from '../../functions/auth/testing.ts';
import type { Field, HttpRule, Rpc, Shape } from '../../functions/runtime/contract.ts';
import { mediaOf } from '../../functions/runtime/media-types.ts';

/** A message with the names of proto3 JSON, which are also the properties of ts-proto's messages. */
export type Message = Record<string, unknown>;

/** What a request needs that is there already. */
export interface Existing {
  readonly recordId: string;
  readonly email: string;
  readonly password: string;
  readonly token: string;
  readonly refreshToken: string;
}

const exampleText: Readonly<Record<string, () => string>> = {
  uuid: randomUUID,
  email: newEmail,
  date: () => '2000-01-01',
  'date-time': () => '2000-01-01T00:00:00Z',
  decimal: () => '1.00',
  currency: () => 'EUR',
};

/** A value that a field takes; a function's own domain may ask for more. */
function exampleOf(field: Field): unknown {
  if (field.repeated) return [];
  switch (field.kind) {
    case 'string':
      return exampleText[field.format ?? '']?.() ?? 'a good long text'.slice(0, field.lengthMax);
    case 'bool':
      return true;
    case 'int32':
    case 'double':
      return field.valueMin ?? 1;
    case 'enum':
      return field.values?.at(-1);
    case 'message':
      return requiredOf((field.message as () => Shape)());
    default:
      return undefined;
  }
}

const requiredOf = (shape: Shape): Message =>
  Object.fromEntries(shape.fields.filter((field) => field.required && !field.outputOnly).map((field) => [field.json, exampleOf(field)]));

/** What the shape of a message does not say of a request that succeeds. */
const particulars: Readonly<Record<string, (existing: Existing) => Message>> = {
  'auth-authenticate': ({ email, password }) => ({ email, password }),
  'auth-validate-token': ({ token }) => ({ token }),
  'auth-refresh-token': ({ refreshToken }) => ({ refreshToken }),
  'auth-logout': ({ refreshToken }) => ({ refreshToken }),
  'records-get-record': ({ recordId }) => ({ recordId }),
  'records-create-record': () => ({ record: { artist: 'Can', name: 'Tago Mago' } }),
  'records-update-record': ({ recordId }) => ({ recordId, record: { artist: 'Can', name: 'Future Days', notes: 'first pressing' } }),
  'records-delete-record': ({ recordId }) => ({ recordId }),
  'records-autocomplete': () => ({ field: 'ARTIST', prefix: 'c' }),
  'records-import-records': () => ({ content: Buffer.from('Artist,Title\nCan,Tago Mago\n'), format: 'CSV' }),
};

/** A request that succeeds, of any rpc whose fields are examples enough. */
export const goodRequest = (rpc: Rpc, existing: Existing): Message => ({
  ...requiredOf(rpc.request),
  ...particulars[rpc.functionName]?.(existing),
});

/**
 * Calls of one message and one answer. What streams is held by tests of its own (functions/runtime's, scripts/e2e/import.test.ts): its requests
 * and answers are files.
 */
export const isUnary = (rpc: Rpc): boolean => !rpc.clientStreaming && !rpc.serverStreaming;

/** A request message as HTTP carries it, by google.api.http. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  /** JSON text, where the rule has a body. */
  readonly body: string | undefined;
}

export function httpRequestOf(rpc: Rpc, rule: HttpRule, message: Message): HttpRequest {
  const fieldOf = (name: string) => rpc.request.fields.find((field) => field.name === name);
  const inPath = new Set<string>();
  const path = rule.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const json = fieldOf(name)?.json ?? name;
    inPath.add(json);
    return encodeURIComponent(String(message[json] ?? ''));
  });
  const headers: Record<string, string> = {};
  const query = new URLSearchParams();
  const bodyField = rule.body === undefined || rule.body === '*' ? undefined : fieldOf(rule.body)?.json;
  for (const [json, value] of Object.entries(message)) {
    if (inPath.has(json) || rule.body === '*' || json === bodyField || value === undefined) continue;
    const field = rpc.request.fields.find((candidate) => candidate.json === json);
    if (field?.header !== undefined && field.mediaTypes !== undefined) headers[field.header] = mediaOf(field, value).type;
    else if (field?.header !== undefined) headers[field.header] = String(value);
    else if (field?.kind === 'mask') query.append(json, (value as string[]).join(','));
    else for (const one of Array.isArray(value) ? value : [value]) query.append(json, String(one));
  }
  const content = bodyField === undefined ? message : (message[bodyField] ?? {});
  const body = rule.body === undefined ? undefined : Buffer.isBuffer(content) ? content.toString() : JSON.stringify(content);
  if (body !== undefined) headers['content-type'] ??= 'application/json';
  const asked = query.toString();
  return { method: rule.method, path: asked === '' ? path : `${path}?${asked}`, headers, body };
}
