import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

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

/** Parts of packages that nothing here uses: module → what stands in its place, and why. About 190 KiB in all. */
const leftOut = [
  // grpc-js reads .proto files for channelz and ORCA only, which are not served here; protobufjs comes with it.
  {
    filter: /^@grpc\/proto-loader$/,
    contents: `exports.loadSync = () => { throw new Error('channelz and ORCA are not in the bundles'); };`,
  },
  // The one gRPC client in a bundle exports telemetry to one address, so it needs no balancing and nothing experimental.
  {
    filter: /^\.\/load-balancer-(outlier-detection|round-robin|weighted-round-robin)$/,
    importer: '/@grpc/grpc-js/',
    contents: 'exports.setup = () => {};',
  },
  { filter: /^\.\/experimental$/, importer: '/@grpc/grpc-js/', contents: '' },
  // prom-client's summaries; histograms are what aggregates over instances.
  { filter: /^tdigest$/, contents: `exports.TDigest = class { constructor() { throw new Error('summaries are not in the bundles'); } };` },
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
 * First pass: one function's entry into ES modules, each dynamic import in its own file, nothing twice.
 * @param {{ root: string, entry: string, version: string }} what `entry` is the text of the entry module; its imports are relative to `root`.
 * @returns {import('esbuild').BuildOptions}
 */
export const splitOptions = ({ root, entry, version }) => ({
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
