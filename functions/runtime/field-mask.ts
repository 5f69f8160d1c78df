import type { Shape } from './contract.ts';
import { fieldFault, violationsMax } from './field-faults.ts';
import type { Violation } from './refusal.ts';

/** The message that a mask field speaks of: the one message beside it in the request (the generator asserts that it is one). */
export const maskTarget = (shape: Shape): Shape | undefined =>
  shape.fields.find((field) => field.kind === 'message' && !field.repeated)?.message?.();

/**
 * Brings the paths of a google.protobuf.FieldMask to proto names, whichever spelling the client chose; each once.
 * @param at where the mask is in the request
 * @param violations takes an UNKNOWN_MASK_PATH for each path that names no field
 */
export function normalizeMask(
  paths: readonly string[],
  target: Shape | undefined,
  at: Violation['path'],
  violations: Violation[],
): string[] {
  if (paths.length === 1 && paths[0] === '*') return ['*'];
  const names = new Set<string>();
  for (const [index, path] of paths.entries()) {
    const field = target?.fields.find(({ name, json }) => name === path || json === path);
    if (field !== undefined) names.add(field.name);
    else if (violations.length < violationsMax) violations.push(fieldFault('UNKNOWN_MASK_PATH', [...at, index]));
  }
  return [...names];
}
