import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { deflateRawSync } from 'node:zlib';

/**
 * How one function becomes a folder of CommonJS files. CommonJS starts sooner than ES modules do, but esbuild splits
 * only ES modules; so a function is bundled and split first (`splitOptions`), and each file is turned around then (`commonJsOptions`).
 */

/** Where a file's own URL is asked for: ES modules have import.meta.url, CommonJS has __filename. */
const fileUrl = '__fileUrl';

const bcrypt = {
  name: 'bcrypt',
  setup(build) {
    // The package's own binding.js tries thirty platforms. The addon of this one is copied into the folder instead.
    build.onResolve({ filter: /^\.\/binding$/ }, ({ importer, resolveDir }) => {
      if (!importer.includes('@node-rs/bcrypt')) return undefined;
      const require = createRequire(join(resolveDir, 'index.js'));
      const variant = `${process.platform}-${process.arch}${process.platform === 'linux' ? '-gnu' : ''}`;
      return { path: join(dirname(require.resolve(`@node-rs/bcrypt-${variant}/package.json`)), `bcrypt.${variant}.node`) };
    });
  },
};

/** Parts of packages that nothing here uses, and what stands in their place. About 210 KiB in all. */
const leftOut = [
  // grpc-js reads .proto files for channelz and ORCA only, which are not served here; protobufjs comes with it.
  {
    filter: /^@grpc\/proto-loader$/,
    contents: `exports.loadSync = () => { throw new Error('channelz and ORCA are not in the bundles'); };`,
  },
  {
    filter: /^\.\/channelz$/,
    importer: '/@grpc/grpc-js/',
    contents: readFileSync(join(import.meta.dirname, 'scripts/build/no-channelz.cjs'), 'utf8'),
  },
  // The one gRPC client in a bundle exports telemetry to one address, so it needs no balancing and nothing experimental.
  {
    filter: /^\.\/load-balancer-(outlier-detection|round-robin|weighted-round-robin)$/,
    importer: '/@grpc/grpc-js/',
    contents: 'exports.setup = () => {};',
  },
  { filter: /^\.\/experimental$/, importer: '/@grpc/grpc-js/', contents: '' },
  // prom-client's summaries; histograms are what can be summed over instances.
  {
    filter: /^tdigest$/,
    contents: `exports.TDigest = class { constructor() { throw new Error('summaries are not in the bundles'); } };`,
  },
];

const absent = {
  name: 'absent',
  setup(build) {
    for (const { filter, importer = '', contents } of leftOut) {
      build.onResolve({ filter }, (asked) =>
        asked.importer.includes(importer) ? { path: asked.path, namespace: 'absent', pluginData: contents } : undefined,
      );
    }
    build.onLoad({ filter: /.*/, namespace: 'absent' }, ({ pluginData }) => ({ contents: pluginData }));
  },
};

/**
 * A package that a source import()s is taken by the names that the source holds. esbuild by itself would take all of it (of jose 58 KiB
 * instead of 20), and of a CommonJS package (bcrypt) it would give only the default export, where Node gives the names too.
 */
const partial = {
  name: 'partial',
  setup(build) {
    build.onResolve({ filter: /^[@a-z]/ }, ({ kind, path, importer }) =>
      kind === 'dynamic-import' && !path.startsWith('node:') && !importer.includes('/node_modules/')
        ? // Not the whole path: it is in the names of files, which then would differ from one checkout to another.
          { path: `${relative(import.meta.dirname, importer)}/${path}`, namespace: 'partial', pluginData: { path, importer } }
        : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'partial' }, async ({ pluginData: { path, importer } }) => {
      const text = readFileSync(importer, 'utf8');
      const names = Object.keys(await import(path)).filter((name) => new RegExp(`\\b${name}\\b`).test(text));
      return { contents: `export { ${names.join(', ')} } from '${path}';`, resolveDir: dirname(importer) };
    });
  },
};

/** The contract's descriptors, which only reflection reads: 24 KiB instead of 62. */
const deflated = {
  name: 'deflated',
  setup(build) {
    build.onLoad({ filter: /\/proto\/generated\/descriptors\.ts$/ }, async ({ path }) => {
      // The version in the address: a build in a process that has built before must not get the module of then.
      const { descriptors } = await import(`${path}?${statSync(path).mtimeMs}`);
      const text = deflateRawSync(JSON.stringify(descriptors), { level: 9 }).toString('base64');
      return {
        contents: `import { inflateRawSync } from 'node:zlib';
          export const descriptors = JSON.parse(inflateRawSync(Buffer.from('${text}', 'base64')).toString());`,
      };
    });
  },
};

/**
 * The contract's messages as ts-proto writes them end with a client that is made by a call. Said to be pure, that leaves with the services it
 * needs; and where the codecs of other rpcs (proto/generated/codecs/) are left out, what stays is what the one rpc needs: 11 KiB instead of 46.
 * @param {string} name "records-get-record"
 */
const ownMessages = (name) => ({
  name: 'own messages',
  setup(build) {
    build.onResolve({ filter: /^\.\/codecs\// }, ({ path }) =>
      path === `./codecs/${name}.ts` ? undefined : { path, namespace: 'absent', pluginData: '' },
    );
    build.onLoad({ filter: /\/proto\/generated\/[a-z_]+\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll('= makeGenericClientConstructor(', '= /* @__PURE__ */ makeGenericClientConstructor('),
      loader: 'ts',
    }));
  },
});

/**
 * sdk-trace-node is published as CommonJS only, of which nothing can be left out. Its index as an ES module can be cut down to what is used.
 * What is used is named: behind an `export *` esbuild splits the module of a base class away from who extends it.
 */
const shakable = {
  name: 'shakable',
  setup(build) {
    build.onLoad({ filter: /\/@opentelemetry\/sdk-trace-node\/build\/src\/index\.js$/ }, () => ({
      contents: `export { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'; export { NodeTracerProvider } from './NodeTracerProvider.js';`,
    }));
  },
};

/**
 * First pass: one function's entry into ES modules, each dynamic import in its own file, nothing twice.
 * @param {{ root: string, name: string, entry: string, version: string }} what `name` is the function's, `entry` the text of the entry module; its imports are relative to `root`.
 * @returns {import('esbuild').BuildOptions}
 */
export const splitOptions = ({ root, name, entry, version }) => ({
  absWorkingDir: root,
  entryPoints: { main: 'entry' },
  outdir: 'dist',
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node26',
  mainFields: ['module', 'main'],
  minify: true,
  legalComments: 'none',
  loader: { '.node': 'copy' },
  define: { __VERSION__: JSON.stringify(version), 'import.meta.url': fileUrl },
  plugins: [
    {
      name: 'entry',
      setup(build) {
        build.onResolve({ filter: /^entry$/ }, ({ kind }) => (kind === 'entry-point' ? { path: 'entry', namespace: 'entry' } : undefined));
        build.onLoad({ filter: /.*/, namespace: 'entry' }, () => ({ contents: entry, resolveDir: root, loader: 'js' }));
      },
    },
    bcrypt,
    absent,
    partial,
    deflated,
    ownMessages(name),
    shakable,
  ],
  metafile: true,
  write: false,
  logLevel: 'silent',
});

/**
 * Second pass: one of those files as CommonJS. import('./x.js') becomes a require in a promise.
 * @param {string} code
 * @returns {import('esbuild').TransformOptions}
 */
export const commonJsOptions = (code) => ({
  format: 'cjs',
  platform: 'node',
  target: 'node26',
  supported: { 'dynamic-import': false },
  minify: true,
  legalComments: 'none',
  ...(code.includes(fileUrl) ? { banner: `const ${fileUrl}=require("node:url").pathToFileURL(__filename).href;` } : {}),
});
