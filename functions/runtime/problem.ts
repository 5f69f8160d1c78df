import type { Rpc } from './contract.ts';
import type { ResponseHeaders } from './exchange.ts';
import type { Refusal, Violation } from './refusal.ts';

/** A refusal on HTTP: application/problem+json (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: string;
}

const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The way to a field as a client writes it, from the body on. An unknown field keeps the client's own spelling. */
function namesOf(violation: Violation, bodyField: string | undefined): string[] {
  const last = violation.path.length - 1;
  const names = violation.path.map((part, at) =>
    typeof part === 'number' || (at === last && violation.reason === 'UNKNOWN_FIELD') ? String(part) : camel(part),
  );
  return bodyField !== undefined && violation.path[0] === bodyField ? names.slice(1) : names;
}

const pointerOf = (names: readonly string[]): string =>
  names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** The field that is the whole body, so that pointers start in the body and not in the message. */
const bodyFieldOf = (rpc: Rpc | undefined): string | undefined => {
  const body = rpc?.http.find((rule) => rule.body !== undefined)?.body;
  return body === '*' ? undefined : body;
};

export function problemOf(refusal: Refusal, requestId: string, rpc?: Rpc): Problem {
  const { reason, row, violations } = refusal;
  const bodyField = bodyFieldOf(rpc);
  const faults = violations.map((violation) => ({
    names: namesOf(violation, bodyField),
    reason: violation.reason,
    detail: violation.says,
  }));
  const body = JSON.stringify({
    type: `/errors#${reason}`,
    title: row.says,
    status: row.http,
    detail: faults.length > 0 ? faults.map(({ names, detail }) => `${names.join('.')}: ${detail}`).join(' ') : row.says,
    instance: requestId,
    code: reason,
    ...(faults.length > 0 && {
      errors: faults.map(({ names, reason: fault, detail }) => ({ pointer: pointerOf(names), reason: fault, detail })),
    }),
  });
  const headers: ResponseHeaders = ['content-type', 'application/problem+json'];
  if (refusal.retryAfterSeconds !== undefined) headers.push('retry-after', String(refusal.retryAfterSeconds));
  if (refusal.allow !== undefined) headers.push('allow', refusal.allow.join(', '));
  if (row.http === 401) headers.push('www-authenticate', 'Bearer');
  return { status: row.http, headers, body };
}
