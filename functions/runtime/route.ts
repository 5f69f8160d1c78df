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

const slash = 47;
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

/**
 * Where each variable of a path begins and ends, two numbers each; undefined where the path does not fit. A variable is one
 * whole segment with something in it. There is no trailing slash. The path is walked, not split: that cost more than the rest of routing.
 */
function placesOf(segments: readonly Segment[], path: string): number[] | undefined {
  const places: number[] = [];
  let at = 0;
  for (const { text, variable } of segments) {
    if (path.charCodeAt(at) !== slash) return undefined;
    const begin = at + 1;
    if (variable) {
      const next = path.indexOf('/', begin);
      at = next < 0 ? path.length : next;
      if (at === begin) return undefined;
      places.push(begin, at);
    } else {
      if (!path.startsWith(text, begin)) return undefined;
      at = begin + text.length;
    }
  }
  return at === path.length ? places : undefined;
}

function decode(part: string): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    throw refuse('MALFORMED_BODY');
  }
}

function variablesOf(segments: readonly Segment[], path: string, places: readonly number[]): Record<string, string> {
  const variables: Record<string, string> = {};
  let place = 0;
  for (const { text, variable } of segments)
    if (variable) variables[text] = decode(path.slice(places[place++] as number, places[place++] as number));
  return variables;
}

/**
 * Finds the rule of google.api.http for a request. HEAD is answered as GET.
 * @param path without the query, still percent-encoded, as the client wrote it
 * @returns undefined where nothing is at this path; `allow` where something is, for other methods (RFC 9110, section 15.5.6)
 * @throws Refusal MALFORMED_BODY where a variable is not percent-encoded UTF-8
 */
export function matchRoute(rules: readonly HttpRule[], method: string, path: string): Match | undefined {
  const asked = method === 'HEAD' ? 'GET' : method;
  let allow: string[] | undefined;
  for (const { rule, segments } of compile(rules)) {
    const places = placesOf(segments, path);
    if (places === undefined) continue;
    if (rule.method === asked) return { rule, variables: variablesOf(segments, path, places) };
    allow ??= [];
    allow.push(rule.method);
    if (rule.method === 'GET') allow.push('HEAD');
  }
  return allow && { allow };
}
