import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { compileContract } from './generate/contract-image.ts';
import { generateDescriptors } from './generate/descriptors.ts';
import { generateMessages } from './generate/messages.ts';
import { type Outputs, writeOutputs } from './generate/outputs.ts';
import { printRpcs } from './generate/print-rpcs.ts';
import { readPackages } from './generate/read-rpcs.ts';

const root = join(import.meta.dirname, '..');

/** The folders that nothing else writes; a file in them without a source is deleted. */
export const generatedFolders = ['proto/generated'];

/** Everything that follows from proto/, as path → content. Nothing is written. */
export async function generate(): Promise<Outputs> {
  const image = compileContract(join(root, 'proto'));
  // Our packages are the files at the top that declare services; platform.proto holds only options.
  const own = readdirSync(join(root, 'proto'))
    .filter((name) => image.registry.getFile(name)?.services.length)
    .sort();
  const packages = readPackages(image, own);
  const folder = 'proto/generated';
  return new Map([...generateMessages(image, own, folder), ...printRpcs(packages, folder), ...generateDescriptors(image, folder)]);
}

if (import.meta.main) {
  const done = writeOutputs(root, generatedFolders, await generate());
  for (const line of done) console.error(line);
  console.log(done.length === 0 ? 'Everything generated is up to date.' : `${done.length} generated files brought up to date.`);
}
