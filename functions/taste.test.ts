import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import { rpcs } from '../proto/generated/rpcs.ts';
import { splitFunction } from '../scripts/build/bundle.ts';
import { findFunctions } from '../scripts/build/functions.ts';

const root = join(import.meta.dirname, '..');
const functions = findFunctions(root);
const domains = readdirSync(join(root, 'proto'))
  .map((file) => file.replace(/\.proto$/, ''))
  .filter((name) => existsSync(join(root, 'functions', name)));

/** Packages that may be in a bundle, and what brought them. Whoever adds one weighs its size and its start first. */
const packagesInBundles = [
  '@bufbuild/protobuf', // ts-proto's wire format
  '@grpc/grpc-js',
  '@node-rs/bcrypt',
  '@node-rs/bcrypt-linux-x64-gnu',
  '@opentelemetry/api',
  '@opentelemetry/api-logs', // otlp-transformer
  '@opentelemetry/core',
  '@opentelemetry/exporter-metrics-otlp-grpc',
  '@opentelemetry/exporter-metrics-otlp-http', // what the gRPC one extends
  '@opentelemetry/exporter-trace-otlp-grpc',
  '@opentelemetry/otlp-exporter-base',
  '@opentelemetry/otlp-grpc-exporter-base',
  '@opentelemetry/otlp-transformer',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-metrics',
  '@opentelemetry/sdk-trace',
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/sdk-trace-node',
  '@opentelemetry/semantic-conventions',
  'bintrees', // prom-client
  'jose',
  'postgres',
  'prom-client',
];

/** Sources under functions/ that production runs: not the tests and what serves them. */
const sources = globSync('functions/**/*.ts', { cwd: root })
  .filter((file) => !/\.test\.ts$|\.d\.ts$|^functions\/testing\/|\/testing\.ts$/.test(file))
  .sort();

const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Without comments, so that a sentence about process.env is not taken for its use. */
const codeOf = (file: string): string => read(file).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

interface Import {
  /** "node:net", "postgres", or a file relative to the project. */
  readonly target: string;
  readonly typesOnly: boolean;
}

function importsOf(file: string): Import[] {
  const found = codeOf(file).matchAll(
    /(?:^|\n)\s*(import|export)\s+(type\s)?[^;'"]*?from\s*['"]([^'"]+)['"]|(?:\bimport\s*\(?|\brequire\s*\()\s*['"]([^'"]+)['"]/g,
  );
  return [...found].map(([, , typesOnly, from, loaded]) => {
    const specifier = (from ?? loaded) as string;
    return {
      target: specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier,
      typesOnly: typesOnly !== undefined,
    };
  });
}

/** What comes of importing every function.ts, in a process of its own: one that opens something would not let this one end. */
function imported(): { names: string[]; open: string[]; used: string[] } {
  const paths = functions.map(({ path }) => join(root, path));
  const script = `(async () => {
    const used = [], names = [];
    const ofNode = ['WATCH_REPORT_DEPENDENCIES'];
    process.env = new Proxy({}, { get: (_, name) => { if (typeof name === 'string' && !ofNode.includes(name)) used.push(name); } });
    for (const path of ${JSON.stringify(paths)}) names.push((await import(path)).default.rpc.functionName);
    require('node:fs').writeSync(1, JSON.stringify({ names, open: process.getActiveResourcesInfo(), used }));
    process.exit(0);
  })()`;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=commonjs', '-e', script], { encoding: 'utf8', timeout: 30_000 }));
}

const listed = (faults: readonly string[], repair: string): string => `\n  ${faults.join('\n  ')}\nRepair: ${repair}`;

describe('the shape of the house', () => {
  test('every rpc has a folder, and every folder an rpc', () => {
    const folders = functions.map(({ name }) => name);
    const names = rpcs.map(({ functionName }) => functionName);
    const without = names.filter((name) => !folders.includes(name));
    const strangers = folders.filter((name) => !names.includes(name));
    assert.deepEqual(
      without,
      [],
      listed(
        without,
        'write functions/<package>/<rpc in kebab case>/function.ts, or take the rpc out of proto/ until its function exists.',
      ),
    );
    assert.deepEqual(
      strangers,
      [],
      listed(
        strangers,
        'declare the rpc in proto/<package>.proto and run npm run generate, or rename the folder to its rpc in kebab case.',
      ),
    );
  });

  test('every function declares the rpc that its folder is named after', () => {
    const { names } = imported();
    const faults = functions.flatMap(({ name, path }, index) => (names[index] === name ? [] : [`${path} declares ${names[index]}`]));
    assert.deepEqual(faults, [], listed(faults, 'one name everywhere: import the rpc that the folder is named after.'));
  });

  test('every function has its operation, and a test through its front door, beside it', () => {
    const faults = functions
      .flatMap(({ path }) => ['operation.ts', 'function.test.ts'].map((file) => join(dirname(path), file)))
      .filter((file) => !existsSync(join(root, file)));
    assert.deepEqual(faults, [], listed(faults, 'write it; npm run new-function shows what it looks like.'));
  });

  test('an operation knows no transport, no driver, no process and no clock of its own', () => {
    const operations = sources.filter((file) => file.endsWith('/operation.ts'));
    assert.ok(operations.length > 0);
    const faults = operations.flatMap((file) => [
      ...importsOf(file)
        .filter(({ target }) => /^(node:(?!crypto$|buffer$|util$)|postgres$|@grpc\/|@opentelemetry\/|prom-client$|undici$)/.test(target))
        .map(({ target }) => `${file} imports ${target}`),
      ...[...codeOf(file).matchAll(/\bprocess\s*[.[]|\bDate\.now\(|\bnew Date\(\)|\bfetch\(|\bMath\.random\(/g)].map(
        ([used]) => `${file} uses ${used}`,
      ),
    ]);
    assert.deepEqual(faults, [], listed(faults, 'take it as an argument: a query, a part, a setting or now() of the operation’s tools.'));
  });

  test('imports point one way: function, then operation and queries, then the domain, then runtime and the contract', () => {
    const faults = sources.flatMap((file) =>
      importsOf(file)
        .filter(({ target, typesOnly }) => target.endsWith('.ts') && !mayImport(file, target, typesOnly))
        .map(({ target }) => `${file} imports ${target}`),
    );
    assert.deepEqual(
      faults,
      [],
      listed(
        faults,
        'move what both need to the domain’s own files, or into functions/runtime/ where it names no domain; functions never call functions.',
      ),
    );
  });

  test('a bundle holds its own folder, its domain, the runtime, the contract and listed packages', { timeout: 120_000 }, async () => {
    const holders = new Map<string, string[]>();
    const split = await Promise.all(functions.map(async (source) => ({ source, ...(await splitFunction(root, '0.0.0', source)) })));
    for (const { source, metafile } of split) {
      const folder = dirname(source.path);
      const held = Object.values(metafile.outputs).flatMap(({ inputs }) =>
        Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
      );
      const strangers = held.flatMap(([input]) => {
        if (/^(entry|absent|partial):/.test(input)) return [];
        const packageName = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1];
        const fits =
          packageName === undefined
            ? dirname(input) === folder || dirname(input) === dirname(folder) || /^(functions\/runtime|proto\/generated)\//.test(input)
            : packagesInBundles.includes(packageName);
        return fits ? [] : [packageName ?? input];
      });
      for (const stranger of new Set(strangers)) holders.set(stranger, [...(holders.get(stranger) ?? []), source.name]);
    }
    const faults = [...holders].map(
      ([stranger, names]) => `${stranger} is in ${names.length === functions.length ? 'every bundle' : names.join(', ')}`,
    );
    assert.deepEqual(
      faults,
      [],
      listed(
        faults,
        'import it as a type only, or import() it where it is needed; a package that belongs in bundles is listed in functions/taste.test.ts with its reason.',
      ),
    );
  });

  test('importing a function opens nothing and reads no environment', () => {
    const { open, used } = imported();
    assert.deepEqual(
      open,
      [],
      listed(open, 'a function is data: what it opens belongs in its parts, which are made when the first call needs them.'),
    );
    assert.deepEqual(used, [], listed(used, 'what a function reads from the environment is named in its settings.'));
  });
});

/** Which file of the house may know which other. Types of a queries.ts are an operation's argument; everything else is code. */
function mayImport(file: string, target: string, typesOnly: boolean): boolean {
  if (/^functions\/(testing\/|taste)|\.test\.ts$/.test(target)) return false;
  const [, domain = ''] = file.split('/');
  const inDomain = (path: string) => domains.some((name) => path.startsWith(`functions/${name}/`));
  const isContractOf = (path: string) => domains.find((name) => new RegExp(`^proto/generated/${name}(\\.rpc)?\\.ts$`).test(path));
  if (file.startsWith('functions/runtime/'))
    return target.startsWith('functions/runtime/') || (target.startsWith('proto/generated/') && isContractOf(target) === undefined);
  if (target.startsWith('functions/runtime/')) return true;
  if (target.startsWith('proto/generated/')) return isContractOf(target) === undefined || isContractOf(target) === domain;
  if (!inDomain(target) || !target.startsWith(`functions/${domain}/`)) return false;
  const isFolderFile = (path: string) => path.split('/').length === 4;
  if (!isFolderFile(target)) return true; // a domain file
  if (!isFolderFile(file) || dirname(file) !== dirname(target)) return false; // somebody else's folder
  const name = target.split('/').at(-1);
  if (file.endsWith('/function.ts')) return true;
  if (file.endsWith('/operation.ts')) return name !== 'function.ts' && (name !== 'queries.ts' || typesOnly);
  return name !== 'function.ts' && name !== 'operation.ts';
}
