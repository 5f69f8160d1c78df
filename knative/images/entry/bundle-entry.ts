import { join } from 'node:path';
import { build } from 'esbuild';

/** One program of this folder with all that it imports, as one ES module. The same sources give the same text. */
export async function bundleEntry(name: 'migrate' | 'postgres'): Promise<Uint8Array> {
  const { outputFiles } = await build({
    absWorkingDir: join(import.meta.dirname, '../../..'),
    entryPoints: [`knative/images/entry/${name}.ts`],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'silent',
  });
  return outputFiles[0]?.contents as Uint8Array;
}
