import type { HttpRule } from './contract.ts';
import { refuse } from './refusal.ts';

/** Where a request goes: a rule with the values of its path's variables, in the path's order; or the methods that the path takes. */
export type Match<Rule> = { readonly rule: Rule; readonly values: readonly string[] } | { readonly allow: readonly string[] };

/** A piece of a path: what stands there, with its slashes, or a variable, which is one whole segment. */
interface Piece {
  readonly text: string;
  readonly variable: boolean;
}

const none: readonly string[] = [];
const piecesOf = (path: string): Piece[] =>
  path
    .split(/({\w+})/)
    .filter((text) => text !== '')
    .map((text) => (text.startsWith('{') ? { text: text.slice(1, -1), variable: true } : { text, variable: false }));

/** Proto names of a path's variables, in their order. */
export const variablesOf = (path: string): string[] =>
  piecesOf(path)
    .filter(({ variable }) => variable)
    .map(({ text }) => text);

/**
 * The values of a path's variables, still percent-encoded; undefined where the path does not fit. A variable has something in it. There
 * is no trailing slash. The path is walked, not split: that cost more than the rest of routing.
 */
function valuesIn(pieces: readonly Piece[], path: string): readonly string[] | undefined {
  let values: readonly string[] = none;
  let at = 0;
  for (const { text, variable } of pieces) {
    if (variable) {
      const begin = at;
      const next = path.indexOf('/', begin);
      at = next < 0 ? path.length : next;
      if (at === begin) return undefined;
      const value = path.slice(begin, at);
      values = values === none ? [value] : [...values, value];
    } else {
      if (!path.startsWith(text, at)) return undefined;
      at += text.length;
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

/** The routes of one rpc: its rules of google.api.http, or what is made of them. */
export class Routes<Rule extends Pick<HttpRule, 'method' | 'path'>> {
  readonly #routes: readonly { readonly rule: Rule; readonly pieces: readonly Piece[] }[];

  constructor(rules: readonly Rule[]) {
    this.#routes = rules.map((rule) => ({ rule, pieces: piecesOf(rule.path) }));
  }

  /**
   * Finds the rule for a request. HEAD is answered as GET.
   * @param path without the query, still percent-encoded, as the client wrote it
   * @returns undefined where nothing is at this path; `allow` where something is, for other methods (RFC 9110, section 15.5.6)
   * @throws Refusal MALFORMED_BODY where a variable is not percent-encoded UTF-8
   */
  match(method: string, path: string): Match<Rule> | undefined {
    const asked = method === 'HEAD' ? 'GET' : method;
    let allow: string[] | undefined;
    for (const { rule, pieces } of this.#routes) {
      const values = valuesIn(pieces, path);
      if (values === undefined) continue;
      if (rule.method === asked) return { rule, values: path.includes('%') ? values.map(decode) : values };
      allow ??= [];
      allow.push(rule.method);
      if (rule.method === 'GET') allow.push('HEAD');
    }
    return allow && { allow };
  }
}
