import type { HttpRule } from './contract.ts';
import { refuse } from './refusal.ts';

/** Where a request goes: a rule with the values of its path's variables by proto name, or the methods that the path takes. */
export type Match = { readonly rule: HttpRule; readonly variables: Record<string, string> } | { readonly allow: readonly string[] };

interface Segment {
  readonly text: string;
  readonly variable: boolean;
}

interface Route {
  readonly rule: HttpRule;
  readonly segments: readonly Segment[];
}

const compiled = new WeakMap<readonly HttpRule[], readonly Route[]>();

function compile(rules: readonly HttpRule[]): readonly Route[] {
  const known = compiled.get(rules);
  if (known !== undefined) return known;
  const routes = rules.map((rule) => ({
    rule,
    segments: rule.path
      .slice(1)
      .split('/')
      .map((text) => (text.startsWith('{') ? { text: text.slice(1, -1), variable: true } : { text, variable: false })),
  }));
  compiled.set(rules, routes);
  return routes;
}

/** A variable is one whole segment with something in it. There is no trailing slash. */
function fits(segments: readonly Segment[], parts: readonly string[]): boolean {
  if (segments.length !== parts.length) return false;
  for (let index = 0; index < segments.length; index++) {
    const segment = segments[index] as Segment;
    if (segment.variable ? parts[index] === '' : parts[index] !== segment.text) return false;
  }
  return true;
}

function decode(part: string): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    throw refuse('MALFORMED_BODY');
  }
}

function variablesOf(segments: readonly Segment[], parts: readonly string[]): Record<string, string> {
  const variables: Record<string, string> = {};
  for (let index = 0; index < segments.length; index++) {
    const segment = segments[index] as Segment;
    if (segment.variable) variables[segment.text] = decode(parts[index] as string);
  }
  return variables;
}

/**
 * Finds the rule of google.api.http for a request. HEAD is answered as GET.
 * @param path without the query, still percent-encoded, as the client wrote it
 * @returns undefined where nothing is at this path; `allow` where something is, for other methods (RFC 9110, section 15.5.6)
 * @throws Refusal MALFORMED_BODY where a variable is not percent-encoded UTF-8
 */
export function matchRoute(rules: readonly HttpRule[], method: string, path: string): Match | undefined {
  if (!path.startsWith('/')) return undefined;
  const parts = path.slice(1).split('/');
  const asked = method === 'HEAD' ? 'GET' : method;
  let allow: string[] | undefined;
  for (const { rule, segments } of compile(rules)) {
    if (!fits(segments, parts)) continue;
    if (rule.method === asked) return { rule, variables: variablesOf(segments, parts) };
    allow ??= [];
    allow.push(rule.method);
    if (rule.method === 'GET') allow.push('HEAD');
  }
  return allow && { allow };
}
