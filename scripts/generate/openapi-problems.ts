import type { Rpc, Shape } from '../../functions/runtime/contract.ts';
import { fieldFaults } from '../../functions/runtime/field-faults.ts';
import { commonRefusals, type RefusalTable } from '../../functions/runtime/refusal.ts';
import type { Json } from './openapi-schemas.ts';

/** RFC 9457, as functions/runtime/problem.ts writes it. */
export const problemSchema: Json = {
  type: 'object',
  description: 'A refusal (RFC 9457).',
  required: ['type', 'title', 'status', 'detail', 'instance', 'code'],
  properties: {
    type: { type: 'string', format: 'uri-reference', description: 'The page about the reason.' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    instance: { type: 'string', description: 'The request id, by which the log knows more.' },
    code: { type: 'string', description: 'The reason: stable, and the same as on gRPC.' },
    errors: {
      type: 'array',
      description: `Every field at fault. Reasons of the platform are ${Object.keys(fieldFaults).join(', ')}; a domain adds its own.`,
      items: {
        type: 'object',
        required: ['pointer', 'reason', 'detail'],
        properties: {
          pointer: { type: 'string', format: 'json-pointer' },
          reason: { type: 'string' },
          detail: { type: 'string' },
        },
      },
    },
  },
};

function hasField(shape: Shape, test: (field: Shape['fields'][number]) => boolean, seen = new Set<Shape>()): boolean {
  if (seen.has(shape)) return false;
  seen.add(shape);
  return shape.fields.some((field) => test(field) || (field.message !== undefined && hasField(field.message(), test, seen)));
}

const always = ['TOO_BUSY', 'HEADERS_TOO_LARGE', 'INTERNAL', 'UPSTREAM_UNAVAILABLE', 'DRAINING', 'DEADLINE_EXCEEDED'];

/** What only a file that is sent can be refused for. */
const ofFiles = ['NOT_A_COLLECTION', 'TOO_MANY_ROWS'];

/** The rows of the error table that one rpc may answer with over HTTP. */
function rowsOf(rpc: Rpc, domain: RefusalTable): RefusalTable {
  const input = rpc.request.fields.length > 0;
  const body = rpc.http.some((rule) => rule.body !== undefined);
  const common: Record<string, boolean> = {
    INVALID_FIELDS: true, // an unknown query parameter at least
    MALFORMED_BODY: input,
    MALFORMED_PAGE_TOKEN: hasField(rpc.request, (field) => field.name === 'page_token'),
    UNAUTHENTICATED: rpc.access === 'CALLER',
    SESSION_ENDED: rpc.access === 'CALLER',
    PERMISSION_DENIED: hasField(rpc.request, (field) => field.caller === true),
    NOT_FOUND: rpc.http.some((rule) => rule.path.includes('{')),
    REQUEST_TIMEOUT: body,
    BODY_TOO_LARGE: body,
    UNSUPPORTED_MEDIA_TYPE: body,
    NOT_ACCEPTABLE: rpc.request.fields.some((field) => field.header === 'accept'),
  };
  const headers = rpc.request.fields.map((field) => field.header);
  return {
    ...Object.fromEntries(Object.entries(commonRefusals).filter(([reason]) => common[reason] || always.includes(reason))),
    ...Object.fromEntries(
      Object.entries(domain).filter(([reason, { http }]) => {
        if (ofFiles.includes(reason)) return rpc.clientStreaming;
        // What only reads changes nothing that could be in the way.
        if (rpc.idempotency === 'NO_SIDE_EFFECTS') return http === 400;
        if (http === 412) return headers.includes('if-match');
        if (http === 422) return headers.includes('idempotency-key');
        return true;
      }),
    ),
  };
}

/**
 * The refusals of one operation by HTTP status, as references; what they point at is added to `components`.
 * @param domain the rows of the rpc's own package
 */
export function problemResponses(rpc: Rpc, domain: RefusalTable, components: Json): Json {
  const rows = Object.entries(rowsOf(rpc, domain));
  const statuses = [...new Set(rows.map(([, row]) => row.http))].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const here = rows.filter(([, row]) => row.http === status);
      const name = here.map(([reason]) => reason).join('.');
      components[name] = {
        description: here.map(([reason, { says }]) => `${reason}: ${says}`).join(' '),
        headers: {
          'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' },
          ...(here.some(([, row]) => row.retryAfterSeconds) && { 'Retry-After': { $ref: '#/components/headers/Retry-After' } }),
          ...(status === 401 && { 'WWW-Authenticate': { $ref: '#/components/headers/WWW-Authenticate' } }),
        },
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      };
      return [status, { $ref: `#/components/responses/${name}` }];
    }),
  );
}
