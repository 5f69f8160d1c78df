import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stackSettings } from '../../scripts/stack/state.ts';
import { quick } from '../cluster/quick.ts';

/** Where measurements are written: in the state folder, since they are of this machine. `publish.ts` brings them into docs/. */
export const resultsFolder = (): string => join(stackSettings().folder, 'scaling');

/** @param name without ".json" */
export function writeResult(name: string, result: object): void {
  mkdirSync(resultsFolder(), { recursive: true });
  writeFileSync(join(resultsFolder(), `${name}${quick ? '-quick' : ''}.json`), `${JSON.stringify(result, null, 1)}\n`);
}
