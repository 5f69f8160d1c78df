import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { withLock } from './build-lock.ts';
import { bundle } from './bundle.ts';
import { type FunctionSource, findFunctions } from './functions.ts';
import { train } from './run-training.ts';

/** Sizes that no bundle may exceed, in KiB of JavaScript (native addons and compiled code are not counted). */
export const folderKibMax = 600;
export const firstKibMax = 300;

/** A function's folder, as it stands in dist. */
export interface Built {
  readonly name: string;
  /** KiB of JavaScript in the folder. */
  readonly totalKib: number;
  /** KiB of JavaScript that is loaded before the first JSON answer. */
  readonly firstKib: number;
  /** The project's own files in the bundle. */
  readonly inputs: readonly string[];
  /** False where nothing had changed. */
  readonly made: boolean;
}

interface State {
  readonly fingerprint: string;
  /** The project's own files in the bundle; packages are known by the lockfile. */
  readonly inputs: readonly string[];
  readonly totalKib: number;
  readonly firstKib: number;
}

export interface BuildOptions {
  /** The project's folder. */
  readonly root?: string;
  /** Names of functions; all of them otherwise. */
  readonly only?: readonly string[] | undefined;
  /** Called with each folder that is done. */
  readonly onProgress?: ((built: Built) => void) | undefined;
  /** Also writes esbuild's metafile, dist/.build/NAME.meta.json, and so builds what has not changed too. */
  readonly metafile?: boolean | undefined;
}

const projectRoot = join(import.meta.dirname, '..', '..');
const stateFolder = (root: string) => join(root, 'dist', '.build');
const stateFile = (root: string, name: string) => join(stateFolder(root), `${name}.json`);

/** What a bundle follows from: its own files, the way it is built, the locked packages, and the Node whose V8 compiled it. */
function fingerprintOf(root: string, inputs: readonly string[]): string {
  const hash = createHash('sha256').update(process.version).update(process.arch);
  const recipe = [
    'package.json',
    'package-lock.json',
    'esbuild.config.mjs',
    ...readdirSync(join(root, 'scripts/build')).map((file) => `scripts/build/${file}`),
  ];
  for (const file of [...recipe, ...inputs].sort()) {
    const path = join(root, file);
    hash.update(`\0${file}\0`).update(existsSync(path) ? readFileSync(path) : 'gone');
  }
  return hash.digest('hex');
}

function readState(root: string, name: string): State | undefined {
  if (!existsSync(stateFile(root, name)) || !existsSync(join(root, 'dist', name, 'index.js'))) return undefined;
  return JSON.parse(readFileSync(stateFile(root, name), 'utf8')) as State;
}

const freshState = (root: string, name: string): State | undefined => {
  const state = readState(root, name);
  return state?.fingerprint === (state && fingerprintOf(root, state.inputs)) ? state : undefined;
};

/** The functions whose folder in dist is missing or older than its sources. */
export function staleFunctions(options: BuildOptions = {}): string[] {
  const root = options.root ?? projectRoot;
  return chosen(root, options.only)
    .filter(({ name }) => freshState(root, name) === undefined)
    .map(({ name }) => name);
}

/** Whether `build` would have something to do. */
export const isStale = (options: BuildOptions = {}): boolean => staleFunctions(options).length > 0;

function chosen(root: string, only: readonly string[] | undefined): FunctionSource[] {
  const all = findFunctions(root);
  const unknown = only?.filter((name) => !all.some((source) => source.name === name)) ?? [];
  if (unknown.length > 0)
    throw new Error(`there is no function ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}`);
  return only === undefined ? all : all.filter(({ name }) => only.includes(name));
}

/**
 * Builds what has changed into dist/NAME, one self-contained folder for each function; the rest is left alone.
 * @throws Error where a source does not bundle, a bundle does not start, or one is larger than the limits.
 */
export async function build(options: BuildOptions = {}): Promise<Built[]> {
  const root = options.root ?? projectRoot;
  const sources = chosen(root, options.only);
  return withLock(join(stateFolder(root), 'lock'), async () => {
    if (options.only === undefined) removeOthers(root, sources);
    const built: Built[] = [];
    const failures: string[] = [];
    const waiting = [...sources];
    const worker = async () => {
      for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) {
        try {
          const one = await buildOne(root, source, options.metafile ?? false);
          built.push(one);
          options.onProgress?.(one);
        } catch (error) {
          failures.push(`${source.name}: ${(error as Error).message}`);
        }
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
    const over = built.filter(({ totalKib, firstKib }) => totalKib > folderKibMax || firstKib > firstKibMax);
    if (over.length > 0) failures.push(...over.map(({ name, totalKib, firstKib }) => tooLarge(name, totalKib, firstKib)), sizeRepair);
    if (failures.length > 0) throw new Error(failures.join('\n'));
    return built.sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

const tooLarge = (name: string, totalKib: number, firstKib: number): string =>
  `${name} is too large: ${totalKib.toFixed(0)} KiB in all (at most ${folderKibMax}), ${firstKib.toFixed(0)} before the first answer (at most ${firstKibMax})`;

const sizeRepair =
  'See what came in with npm run build -- --metafile at https://esbuild.github.io/analyze/, then import() it where it is needed or leave it out in esbuild.config.mjs.';

/** Folders of functions that are no more. */
function removeOthers(root: string, sources: readonly FunctionSource[]): void {
  for (const file of readdirSync(stateFolder(root))) {
    const name = file.replace(/(\.meta)?\.json$/, '');
    if (name === file || sources.some((source) => source.name === name)) continue;
    rmSync(join(root, 'dist', name), { recursive: true, force: true });
    rmSync(join(stateFolder(root), file), { force: true });
  }
}

async function buildOne(root: string, source: FunctionSource, withMetafile: boolean): Promise<Built> {
  const { name } = source;
  const fresh = freshState(root, name);
  if (fresh !== undefined && !withMetafile)
    return { name, totalKib: fresh.totalKib, firstKib: fresh.firstKib, inputs: fresh.inputs, made: false };

  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const { files, metafile } = await bundle(root, version, source);
  // Made aside and put in place whole, so that nobody starts half a bundle.
  const folder = join(stateFolder(root), `${name}.new`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [file, content] of files) writeFileSync(join(folder, file), content);
  copyFileSync(join(import.meta.dirname, 'entry.cjs'), join(folder, 'index.js'));
  copyFileSync(join(import.meta.dirname, 'load.cjs'), join(folder, 'load.js'));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name, version, type: 'commonjs', main: 'index.js' })}\n`);
  const loadedFirst = await train(folder);

  const kib = (wanted: (file: string) => boolean) =>
    [...files].filter(([file]) => file.endsWith('.js') && wanted(file)).reduce((sum, [, content]) => sum + content.length, 0) / 1024;
  const inputs = Object.keys(metafile.inputs).filter((input) => !input.startsWith('node_modules/') && existsSync(join(root, input)));
  const state: State = {
    fingerprint: fingerprintOf(root, inputs),
    inputs,
    totalKib: kib(() => true),
    firstKib: kib((file) => loadedFirst.has(`./${file}`)),
  };
  const place = join(root, 'dist', name);
  rmSync(place, { recursive: true, force: true });
  renameSync(folder, place);
  writeFileSync(stateFile(root, name), JSON.stringify(state));
  if (withMetafile) writeFileSync(join(stateFolder(root), `${name}.meta.json`), JSON.stringify(metafile));
  return { name, totalKib: state.totalKib, firstKib: state.firstKib, inputs, made: true };
}
