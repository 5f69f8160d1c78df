import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A function's place in the source: one folder with a function.ts. */
export interface FunctionSource {
  /** "records-get-record": folder of the bundle, Knative service and metric label. */
  readonly name: string;
  /** "functions/records/get-record/function.ts", relative to the project. */
  readonly path: string;
}

/** Every function of the project, in alphabetical order. */
export function findFunctions(root: string): FunctionSource[] {
  const functions = join(root, 'functions');
  return readdirSync(functions, { recursive: true, withFileTypes: true })
    .filter((file) => file.name === 'function.ts')
    .map((file) => file.parentPath.slice(functions.length + 1).split('/'))
    .filter((folders) => folders.length === 2)
    .map(([domain, rpc]) => ({ name: `${domain}-${rpc}`, path: `functions/${domain}/${rpc}/function.ts` }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
