import { basename } from 'node:path';
import { type BuildOptions, type Metafile, build as split, type TransformOptions, transform } from 'esbuild';
// @ts-expect-error: plain JavaScript, as every tool expects esbuild's configuration to be
import * as config from '../../esbuild.config.mjs';
import type { FunctionSource } from './functions.ts';

const { splitOptions, commonJsOptions } = config as {
  splitOptions(what: { root: string; name: string; entry: string; version: string }): BuildOptions & { write: false; metafile: true };
  commonJsOptions(code: string): TransformOptions;
};

/** The files of one function's folder, by name, and what they were made from. */
export interface Bundle {
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  /** esbuild's own account of inputs and outputs (esbuild.github.io/analyze reads it). */
  readonly metafile: Metafile;
}

/** Turning around is done once for each text: grpc-js, postgres and the like come out the same for every function. */
const turned = new Map<string, Promise<string>>();

function toCommonJs(name: string, code: string): Promise<string> {
  let result = turned.get(code);
  if (result === undefined) {
    result = transform(code, commonJsOptions(code)).then((done) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
      if (/[^\x00-\x7f]/.test(done.code)) throw new Error(`${name} is not all ASCII, which load.cjs relies on`);
      return done.code;
    });
    turned.set(code, result);
  }
  return result;
}

/**
 * First pass alone: what a function is made of.
 * @throws esbuild's BuildFailure, whose message names file and line.
 */
export function splitFunction(root: string, version: string, source: FunctionSource) {
  const entry = [
    `export { default as definition } from './${source.path}';`,
    `export { httpFunction } from './functions/runtime/http-function.ts';`,
    `export { main, serve } from './functions/runtime/serve.ts';`,
  ].join('\n');
  return split(splitOptions({ root, name: source.name, entry, version }));
}

/**
 * Bundles one function, in memory.
 * @throws esbuild's BuildFailure, whose message names file and line.
 */
export async function bundle(root: string, version: string, source: FunctionSource): Promise<Bundle> {
  const { outputFiles, metafile } = await splitFunction(root, version, source);
  const files = await Promise.all(
    outputFiles.map(async (file): Promise<[string, string | Uint8Array]> => {
      const name = basename(file.path);
      return [name, name.endsWith('.js') ? await toCommonJs(name, file.text) : file.contents];
    }),
  );
  return { files: new Map(files), metafile };
}
