import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { renderRoutes } from '../caddy/routes.ts';
import type { Rpc } from '../functions/runtime/contract.ts';
import { fieldFaults } from '../functions/runtime/field-faults.ts';
import { commonRefusals, type RefusalTable } from '../functions/runtime/refusal.ts';
import { generateManifests } from '../knative/manifests/generate.ts';
import { commentsOf } from './generate/comments.ts';
import { compileContract, contractImage } from './generate/contract-image.ts';
import { generateDescriptors } from './generate/descriptors.ts';
import { domainFieldFaults, type ErrorTables, renderErrorsHtml, renderErrorsPage } from './generate/errors-page.ts';
import { generateMessages } from './generate/messages.ts';
import { generateOpenapi } from './generate/openapi.ts';
import { type Outputs, writeOutputs } from './generate/outputs.ts';
import { printRpcs } from './generate/print-rpcs.ts';
import { readPackages } from './generate/read-rpcs.ts';

const root = join(import.meta.dirname, '..');

/** The folders that nothing else writes; a file in them without a source is deleted. */
export const generatedFolders = ['proto/generated', 'caddy/generated', 'knative/generated'];

/** functions/records/refusals.ts exports recordsRefusals. */
async function refusalsOf(name: string): Promise<RefusalTable> {
  const file = join(root, 'functions', name, 'refusals.ts');
  if (!existsSync(file)) return {};
  const table = (await import(file))[`${name}Refusals`] as RefusalTable | undefined;
  if (table === undefined) throw new Error(`functions/${name}/refusals.ts must export ${name}Refusals, its rows of the error table`);
  return table;
}

/** Everything that follows from proto/ and from the functions' limits, as path → content. Nothing is written. */
export async function generate(): Promise<Outputs> {
  const image = compileContract(join(root, 'proto'));
  // Our packages are the files at the top that declare services; platform.proto holds only options.
  const own = readdirSync(join(root, 'proto'))
    .filter((name) => image.registry.getFile(name)?.services.length)
    .sort();
  const packages = readPackages(image, own);
  const comments = new Map(image.files.file.filter(({ name }) => own.includes(name)).flatMap((file) => [...commentsOf(file)]));
  const refusals = new Map(await Promise.all(packages.map(async ({ name }) => [name, await refusalsOf(name)] as const)));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const errors: ErrorTables = {
    refusals: [
      { title: 'Every function', table: commonRefusals },
      ...[...refusals].map(([name, table]) => ({ title: `${name[0]?.toUpperCase()}${name.slice(1)}`, table })),
    ],
    fieldFaults: { ...fieldFaults, ...domainFieldFaults },
  };
  const folder = 'proto/generated';
  const messages: Outputs = generateMessages(image, own, folder);
  const code: Outputs = new Map([...messages, ...printRpcs(packages, folder)]);
  return new Map([
    ...code,
    ...generateDescriptors(image, folder),
    ...generateOpenapi({ packages, comments, refusals, version }, folder),
    ['caddy/generated/routes.caddy', renderRoutes(packages.flatMap(({ rpcs }) => rpcs) as Rpc<never, never>[])] as const,
    ...(await generateManifests(root, code)),
    ['docs/errors.md', renderErrorsPage(errors)] as const,
    [`${folder}/errors.html`, renderErrorsHtml(errors)] as const,
  ]);
}

/** The contract as the last release had it: what `buf breaking` compares with. */
const baseline = join(root, 'proto/baseline.binpb');

/** @returns the exit code: 0 done, 1 failed, 2 wrong usage */
async function main(): Promise<number> {
  let release = false;
  try {
    release = parseArgs({ options: { release: { type: 'boolean', default: false } } }).values.release;
  } catch (error) {
    console.error(`${(error as Error).message}\nUsage: npm run generate [-- --release]`);
    return 2;
  }
  try {
    const done = writeOutputs(root, generatedFolders, await generate());
    for (const line of done) console.error(line);
    console.log(done.length === 0 ? 'Everything generated is up to date.' : `${done.length} generated files brought up to date.`);
    if (release) {
      writeFileSync(baseline, contractImage(join(root, 'proto')));
      console.log('proto/baseline.binpb is the contract of this release now: from here on its numbers stay.');
    }
    return 0;
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main();
