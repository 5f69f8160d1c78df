import { join } from 'node:path';
import { type AnyFunction, defaultLimits, type Limits } from '../../functions/runtime/define-function.ts';
import type { Settings } from '../../functions/runtime/settings.ts';
import { findFunctions } from '../../scripts/build/functions.ts';

/** A function as the platform sees it: nothing but what stands in its function.ts. */
export interface PlatformFunction {
  /** "records-get-record" */
  readonly name: string;
  /** "records": its database role, its Secret and its service account are the package's. */
  readonly package: string;
  readonly limits: Limits;
  /** Variables that it doesn't start without, in alphabetical order: these come from the package's Secret. */
  readonly secrets: readonly string[];
}

/** What every function needs to reach its database; it holds a password. */
const databaseVariable = 'DATABASE_URL';

/**
 * Reads every function's own definition (importing one opens nothing).
 * A setting without a fallback is a secret, as functions/runtime/settings.ts has it; a function gets those it reads and no other.
 * @param root the project's folder
 */
export async function readFunctions(root: string): Promise<PlatformFunction[]> {
  return Promise.all(
    findFunctions(root).map(async ({ name, path }) => {
      const definition = (await import(join(root, path))).default as AnyFunction;
      const own = Object.values((definition.settings ?? {}) as Settings).filter(({ fallback }) => fallback === undefined);
      return {
        name,
        package: path.split('/')[1] ?? '',
        limits: { ...defaultLimits, ...definition.limits },
        secrets: [databaseVariable, ...own.map(({ variable }) => variable)].sort(),
      };
    }),
  );
}
