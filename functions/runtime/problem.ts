import type { Rpc } from './contract.ts';
import type { Refusal, Violation } from './refusal.ts';

/** A refusal on HTTP: application/problem+json (RFC 9457). */
export interface Problem {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** RFC 6901. An unknown field keeps the client's own spelling. */
function pointerOf(violation: Violation, bodyField: string | undefined): string {
  const last = violation.path.length - 1;
  const names = violation.path.map((part, at) =>
    typeof part === 'number' || (at === last && violation.reason === 'UNKNOWN_FIELD') ? String(part) : camel(part),
  );
  const inBody = bodyField !== undefined && violation.path[0] === bodyField ? names.slice(1) : names;
  return inBody.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The field that is the whole body, so that pointers start in the body and not in the message. */
const bodyFieldOf = (rpc: Rpc | undefined): string | undefined => {
  const body = rpc?.http.find((rule) => rule.body !== undefined)?.body;
  return body === '*' ? undefined : body;
};

export function problemOf(refusal: Refusal, requestId: string, rpc?: Rpc): Problem {
  const { reason, row, violations } = refusal;
  const bodyField = bodyFieldOf(rpc);
  const body = JSON.stringify({
    type: `/errors#${reason}`,
    title: row.says,
    status: row.http,
    detail: violations.length > 0 ? violations.map((violation) => violation.says).join(' ') : row.says,
    instance: requestId,
    code: reason,
    ...(violations.length > 0 && {
      errors: violations.map((violation) => ({
        pointer: pointerOf(violation, bodyField),
        reason: violation.reason,
        detail: violation.says,
      })),
    }),
  });
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (refusal.retryAfterSeconds !== undefined) headers['retry-after'] = String(refusal.retryAfterSeconds);
  if (refusal.allow !== undefined) headers.allow = refusal.allow.join(', ');
  if (row.http === 401) headers['www-authenticate'] = 'Bearer';
  return { status: row.http, headers, body };
}
