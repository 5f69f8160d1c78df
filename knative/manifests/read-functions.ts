import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type AnyFunction, defaultLimits, type Limits } from '../../functions/runtime/define-function.ts';
import type { Settings } from '../../functions/runtime/settings.ts';
import { findFunctions } from '../../scripts/build/functions.ts';
import type { Outputs } from '../../scripts/generate/outputs.ts';

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
 * @param pending generated files that aren't written yet: a new function's rpc stands there and not on the disk
 */
export async function readFunctions(root: string, pending: Outputs = new Map()): Promise<PlatformFunction[]> {
  readings += 1;
  const mark = `?reading=${readings}`;
  const hooks = servePending(root, pending, mark);
  try {
    return await Promise.all(
      findFunctions(root).map(async ({ name, path }) => {
        const url = `${pathToFileURL(join(root, path))}${mark}`;
        const definition = (await import(url)).default as AnyFunction;
        const own = Object.values((definition.settings ?? {}) as Settings).filter(({ fallback }) => fallback === undefined);
        return {
          name,
          package: path.split('/')[1] ?? '',
          limits: { ...defaultLimits, ...definition.limits },
          secrets: [databaseVariable, ...own.map(({ variable }) => variable)].sort(),
        };
      }),
    );
  } finally {
    hooks.deregister();
  }
}

/** Each reading loads its modules anew: those of an earlier one may be older than the files. */
let readings = 0;

/** While it is in force, what a marked module imports is marked too, and a marked module that is among the pending ones is read from there. */
function servePending(root: string, pending: Outputs, mark: string): { deregister(): void } {
  const sources = new Map([...pending].map(([path, content]) => [join(root, path), content]));
  return registerHooks({
    resolve(specifier, context, next) {
      const marked = specifier.endsWith(mark) || context.parentURL?.endsWith(mark) === true;
      const found = next(specifier.replace(mark, ''), context);
      const ours = found.url.startsWith('file:') && !found.url.includes('/node_modules/');
      return marked && ours ? { ...found, url: `${found.url}${mark}` } : found;
    },
    load(url, context, next) {
      const source = url.endsWith(mark) ? sources.get(fileURLToPath(url.slice(0, -mark.length))) : undefined;
      return source === undefined ? next(url, context) : { format: 'module-typescript', source: String(source), shortCircuit: true };
    },
  });
}
