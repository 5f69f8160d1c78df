import type { HttpRule } from './contract.ts';
import { refuse } from './refusal.ts';

/** Where a request goes: a rule with the values of its path's variables, in the path's order; or the methods that the path takes. */
export type Match = { readonly rule: HttpRule; readonly values: readonly string[] } | { readonly allow: readonly string[] };

interface Segment {
  readonly text: string;
  readonly variable: boolean;
}

const slash = 47;
const none: readonly string[] = [];
const segmentsOf = (path: string): Segment[] =>
  path
    .slice(1)
    .split('/')
    .map((text) => (text.startsWith('{') ? { text: text.slice(1, -1), variable: true } : { text, variable: false }));

/** Proto names of a path's variables, in their order. */
export const variablesOf = (path: string): string[] =>
  segmentsOf(path)
    .filter(({ variable }) => variable)
    .map(({ text }) => text);

/**
 * The values of a path's variables, still percent-encoded; undefined where the path does not fit. A variable is one whole segment with
 * something in it. There is no trailing slash. The path is walked, not split: that cost more than the rest of routing.
 */
function valuesIn(segments: readonly Segment[], path: string): readonly string[] | undefined {
  let values: readonly string[] = none;
  let at = 0;
  for (const { text, variable } of segments) {
    if (path.charCodeAt(at) !== slash) return undefined;
    const begin = at + 1;
    if (variable) {
      const next = path.indexOf('/', begin);
      at = next < 0 ? path.length : next;
      if (at === begin) return undefined;
      const value = path.slice(begin, at);
      values = values === none ? [value] : [...values, value];
    } else {
      if (!path.startsWith(text, begin)) return undefined;
      at = begin + text.length;
    }
  }
  return at === path.length ? values : undefined;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw refuse('MALFORMED_BODY');
  }
}

/** The routes of one rpc: its rules of google.api.http. */
export class Routes {
  readonly #routes: readonly { readonly rule: HttpRule; readonly segments: readonly Segment[] }[];

  constructor(rules: readonly HttpRule[]) {
    this.#routes = rules.map((rule) => ({ rule, segments: segmentsOf(rule.path) }));
  }

  /**
   * Finds the rule for a request. HEAD is answered as GET.
   * @param path without the query, still percent-encoded, as the client wrote it
   * @returns undefined where nothing is at this path; `allow` where something is, for other methods (RFC 9110, section 15.5.6)
   * @throws Refusal MALFORMED_BODY where a variable is not percent-encoded UTF-8
   */
  match(method: string, path: string): Match | undefined {
    const asked = method === 'HEAD' ? 'GET' : method;
    let allow: string[] | undefined;
    for (const { rule, segments } of this.#routes) {
      const values = valuesIn(segments, path);
      if (values === undefined) continue;
      if (rule.method === asked) return { rule, values: path.includes('%') ? values.map(decode) : values };
      allow ??= [];
      allow.push(rule.method);
      if (rule.method === 'GET') allow.push('HEAD');
    }
    return allow && { allow };
  }
}
