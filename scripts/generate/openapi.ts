import type { Field, HttpRule, Rpc, Shape } from '../../functions/runtime/contract.ts';
import type { RefusalTable } from '../../functions/runtime/refusal.ts';
import { problemResponses, problemSchema } from './openapi-problems.ts';
import { type Comments, fieldSchema, type Json, messageSchemas, schemaReference } from './openapi-schemas.ts';
import type { Outputs } from './outputs.ts';
import type { ContractPackage } from './read-rpcs.ts';

export interface OpenapiSource {
  readonly packages: readonly ContractPackage[];
  /** By full protobuf name. */
  readonly comments: Comments;
  /** Package → its rows of the error table. */
  readonly refusals: ReadonlyMap<string, RefusalTable>;
  readonly version: string;
}

const description = `Accounts, and the records that each account owns.

JSON is proto3 JSON: lowerCamelCase out, both spellings in. Unknown fields, wrong types and numbers out of range are refused, all faults at once. The same calls are there over gRPC, with reflection.`;

/** "idempotency-key" → "Idempotency-Key" */
const headerName = (name: string): string => name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

function parameter(place: 'path' | 'query' | 'header', name: string, field: Field, text: string | undefined): Json {
  return {
    name,
    in: place,
    ...((place === 'path' || field.required) && { required: true }),
    ...(text && { description: text }),
    schema: fieldSchema(field, undefined),
  };
}

function parametersOf(rpc: Rpc, rule: HttpRule, comments: Comments): Json[] {
  return rpc.request.fields.flatMap((field) => {
    const text = comments.get(`${rpc.request.name}.${field.name}`);
    if (rule.path.includes(`{${field.name}}`)) return [parameter('path', field.name, field, text)];
    // OpenAPI names them as the media types of bodies.
    if (field.header === 'content-type' || field.header === 'accept') return [];
    if (field.header) return [parameter('header', headerName(field.header), field, text)];
    if (rule.body === '*' || rule.body === field.name || field.message || field.outputOnly) return [];
    // PUT replaces: it has no mask.
    if (field.kind === 'mask' && rule.method !== 'PATCH') return [];
    return [
      parameter('query', field.json, field, text),
      ...(field.queryAlias ? [parameter('query', field.queryAlias, field, `The same as \`${field.json}\`.`)] : []),
    ];
  });
}

/** A body that is a file, in each of its forms. */
function fileContent(rpc: Rpc, header: 'content-type' | 'accept'): Json {
  const types = rpc.request.fields.find((field) => field.header === header)?.mediaTypes?.filter((type) => type !== '');
  return Object.fromEntries((types ?? ['application/octet-stream']).map((type) => [type, { schema: { type: 'string' } }]));
}

const isBytes = (shape: Shape, name: string | undefined): boolean => shape.fields.find((field) => field.name === name)?.kind === 'bytes';

function requestBodyOf(rpc: Rpc, rule: HttpRule): Json | undefined {
  if (rule.body === undefined) return undefined;
  if (isBytes(rpc.request, rule.body)) return { required: true, content: fileContent(rpc, 'content-type') };
  const shape = rule.body === '*' ? rpc.request : rpc.request.fields.find((field) => field.name === rule.body)?.message?.();
  if (shape === undefined) return undefined;
  const media = { schema: schemaReference(shape) };
  // RFC 7396 is what PATCH does: absent fields stay, null clears.
  return {
    required: true,
    content: { 'application/json': media, ...(rule.method === 'PATCH' && { 'application/merge-patch+json': media }) },
  };
}

const etagOf = (rpc: Rpc, rule: HttpRule): Field | undefined =>
  rpc.response.fields
    .find((field) => field.name === rule.responseBody)
    ?.message?.()
    .fields.find((field) => field.header === 'etag');

/** What functions/runtime/handle-http.ts does for every answer with an etag. */
const ifNoneMatch: Json = {
  name: 'If-None-Match',
  in: 'header',
  description: 'The etags that the client has: with one of them the answer is 304.',
  schema: { type: 'string' },
};
const notModified: Json = { description: 'The client has it.', headers: { ETag: { $ref: '#/components/headers/ETag' } } };

function successOf(rpc: Rpc, rule: HttpRule): Json {
  const requestId = { 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' } };
  if (rpc.successStatus === 204) return { description: 'Done.', headers: requestId };
  if (isBytes(rpc.response, rule.responseBody))
    return { description: 'The file, as it is made.', headers: requestId, content: fileContent(rpc, 'accept') };
  if (rpc.serverStreaming)
    return {
      description: 'A message a line, as they come. What breaks it off is the last line: `{"error": …}`, with a problem in it.',
      headers: requestId,
      content: { 'application/x-ndjson': { schema: schemaReference(rpc.response) } },
    };
  const shape = rpc.response.fields.find((field) => field.name === rule.responseBody)?.message?.() ?? rpc.response;
  return {
    description: rpc.successStatus === 201 ? 'Made.' : 'Done.',
    headers: { ...requestId, ...(etagOf(rpc, rule) && { ETag: { $ref: '#/components/headers/ETag' } }) },
    content: { 'application/json': { schema: schemaReference(shape) } },
  };
}

/**
 * The contract as OpenAPI 3.1, for those who call it over HTTP.
 * @returns openapi.json below `folder`
 */
export function generateOpenapi({ packages, comments, refusals, version }: OpenapiSource, folder: string): Outputs {
  const responses: Json = {};
  const paths: Record<string, Json> = {};
  for (const { name, rpcs } of packages)
    for (const rpc of rpcs)
      for (const [index, rule] of rpc.http.entries()) {
        const says = comments.get(`${rpc.service}.${rpc.name}`) ?? rpc.name;
        const service = rpc.service.slice(rpc.service.lastIndexOf('.') + 1);
        const isTagged = rule.method === 'GET' && etagOf(rpc, rule) !== undefined;
        const parameters = [...parametersOf(rpc, rule, comments), ...(isTagged ? [ifNoneMatch] : [])];
        const requestBody = requestBodyOf(rpc, rule);
        paths[rule.path] ??= {};
        (paths[rule.path] as Json)[rule.method.toLowerCase()] = {
          operationId: `${service}_${rpc.name}${index === 0 ? '' : `_${rule.method.toLowerCase()}`}`,
          tags: [rpc.service],
          summary: says.replace(/\..*$/, ''),
          description: says,
          security: rpc.access === 'CALLER' ? [{ bearer: [] }] : [],
          ...(parameters.length > 0 && { parameters }),
          ...(requestBody && { requestBody }),
          responses: {
            [rpc.successStatus]: successOf(rpc, rule),
            ...(isTagged && { 304: notModified }),
            ...problemResponses(rpc, refusals.get(name) ?? {}, responses),
          },
        };
      }
  const all = packages.flatMap(({ rpcs }) => rpcs);
  const document = {
    openapi: '3.1.0',
    info: { title: 'record-platform', version, description, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: 'https://record.local:8443', description: 'The local stack (npm start).' }],
    tags: [...new Set(all.map((rpc) => rpc.service))].map((service) => ({ name: service, description: comments.get(service) ?? service })),
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'An access token (RFC 6750, RFC 9068).' },
      },
      headers: {
        'X-Request-Id': { description: 'Names this request in the log.', schema: { type: 'string' } },
        'Retry-After': { description: 'Seconds after which trying again makes sense.', schema: { type: 'integer', minimum: 0 } },
        'WWW-Authenticate': { description: 'RFC 6750.', schema: { type: 'string' } },
        ETag: { description: 'For If-Match (RFC 9110).', schema: { type: 'string' } },
      },
      responses: Object.fromEntries(Object.entries(responses).sort(([a], [b]) => (a < b ? -1 : 1))),
      schemas: { Problem: problemSchema, ...messageSchemas(all, comments) },
    },
  };
  return new Map([[`${folder}/openapi.json`, `${JSON.stringify(document, undefined, 2)}\n`]]);
}
