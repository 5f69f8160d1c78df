import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Entry, tar, withFolders } from './tar.ts';

export type { Entry } from './tar.ts';

/** What an image is (OCI image specification 1.1, linux/amd64). */
export interface ImageSpec {
  readonly entrypoint: readonly string[];
  /** Numbers, so that Kubernetes can tell that it isn't root: "10001:10001". */
  readonly user: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
  /** The lowest first; the one that many images share is written once (see `LayoutOptions.store`). */
  readonly layers: readonly (readonly Entry[])[];
}

export interface LayoutOptions {
  /** Folder for layers that several images share: they are made once and linked into each layout. Otherwise one beside the layout. */
  readonly store?: string;
}

export interface Layout {
  /** "sha256:…" of the manifest: what a registry and Kubernetes know the image by. */
  readonly digest: string;
  /** Of all its blobs, as they are sent (layers by gzip). */
  readonly bytes: number;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}
interface Layer extends Descriptor {
  /** Digest of the layer's tar before gzip. */
  readonly diffId: string;
}

/** A name that may depend on the manifest's digest. */
export type Reference = string | ((digest: string) => string);

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/**
 * Writes an image as a folder in the OCI image layout. The same spec and files give the same bytes, so also the same digest.
 * @param folder made anew
 * @param reference its name in the index: "dev.local/record-platform/records-get-record:1.0". skopeo, umoci and ctr find it by that
 * @throws Error where a layer has a path twice, or one too long for tar
 */
export async function writeLayout(folder: string, reference: Reference, spec: ImageSpec, options: LayoutOptions = {}): Promise<Layout> {
  const store = options.store ?? join(dirname(folder), '.layers');
  const layers: Layer[] = [];
  for (const entries of spec.layers) layers.push(await layer(store, entries));
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  const blobs = join(part, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const write = (mediaType: string, value: object): Descriptor => {
    const content = JSON.stringify(value);
    writeFileSync(join(blobs, sha256(content)), content);
    return { mediaType, digest: `sha256:${sha256(content)}`, size: Buffer.byteLength(content) };
  };
  for (const { digest } of layers) {
    const blob = digest.slice('sha256:'.length);
    if (!existsSync(join(blobs, blob))) linkSync(join(store, blob), join(blobs, blob));
  }
  const config = write('application/vnd.oci.image.config.v1+json', configOf(spec, layers));
  const manifest = write('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
    layers: layers.map(({ diffId: _, ...descriptor }) => descriptor),
  });
  writeFileSync(join(part, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(
    join(part, 'index.json'),
    JSON.stringify(indexOf([named(manifest, typeof reference === 'string' ? reference : reference(manifest.digest))])),
  );
  rmSync(folder, { recursive: true, force: true });
  renameSync(part, folder);
  return { digest: manifest.digest, bytes: [manifest, config, ...layers].reduce((sum, { size }) => sum + size, 0) };
}

const configOf = ({ entrypoint, user, env = {}, workingDir = '/', labels = {}, stopSignal }: ImageSpec, layers: readonly Layer[]) => ({
  // The time of building would make every build another image.
  created: '1970-01-01T00:00:00Z',
  architecture: 'amd64',
  os: 'linux',
  config: {
    User: user,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Entrypoint: entrypoint,
    WorkingDir: workingDir,
    Labels: Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
  },
  rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
});

const indexOf = (manifests: readonly unknown[]) => ({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests,
});

const named = (manifest: Descriptor, reference: string) => ({
  ...manifest,
  platform: { architecture: 'amd64', os: 'linux' },
  // The second is containerd's own, which takes the first for a tag alone.
  annotations: { 'org.opencontainers.image.ref.name': reference, 'io.containerd.image.name': reference },
});

/** A layer's blob in the store, made when it isn't there yet: what it is made of is its name there, by contents and not by times. */
async function layer(store: string, entries: readonly Entry[]): Promise<Layer> {
  mkdirSync(store, { recursive: true });
  const known = join(store, `${await keyOf(entries)}.json`);
  if (existsSync(known)) {
    const found = JSON.parse(readFileSync(known, 'utf8')) as Layer;
    if (existsSync(join(store, found.digest.slice('sha256:'.length)))) return found;
  }
  const part = join(store, `${process.pid}-${performance.now()}.part`);
  const plain = createHash('sha256');
  const packed = createHash('sha256');
  let size = 0;
  const watch = (see: (chunk: Uint8Array) => void) =>
    new Transform({
      transform(chunk, _, done) {
        see(chunk);
        done(null, chunk);
      },
    });
  await pipeline(
    // Node's gzip writes no time and no name.
    Readable.from(tar(entries), { objectMode: false }),
    watch((chunk) => plain.update(chunk)),
    createGzip({ level: 6 }),
    watch((chunk) => {
      packed.update(chunk);
      size += chunk.length;
    }),
    createWriteStream(part),
  );
  const digest = packed.digest('hex');
  renameSync(part, join(store, digest));
  const made = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    digest: `sha256:${digest}`,
    size,
    diffId: `sha256:${plain.digest('hex')}`,
  };
  writeFileSync(`${part}.json`, JSON.stringify(made));
  renameSync(`${part}.json`, known);
  return made;
}

/** Layers that images of one process share are the same object: their files are read once for their key. */
const keys = new WeakMap<readonly Entry[], Promise<string>>();

function keyOf(entries: readonly Entry[]): Promise<string> {
  const known = keys.get(entries) ?? computeKey(entries);
  keys.set(entries, known);
  return known;
}

async function computeKey(entries: readonly Entry[]): Promise<string> {
  const hash = createHash('sha256').update(process.versions.zlib);
  for (const { path, mode, from, content, link, directory, owner } of withFolders(entries)) {
    const bytes = from !== undefined ? readFileSync(from) : content;
    hash.update(JSON.stringify([path, mode, link, directory, owner, bytes !== undefined && sha256(bytes)]));
  }
  return hash.digest('hex');
}

/**
 * Layouts as one tar archive, which `ctr -n k8s.io images import -` takes from its standard input (`skopeo copy oci-archive:FILE` too).
 * A layer that several of them share is in it once.
 * @param folders as `writeLayout` made them
 */
export function archive(...folders: readonly string[]): Readable {
  const entries = new Map<string, Entry>();
  const manifests: unknown[] = [];
  for (const folder of folders) {
    manifests.push(...JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')).manifests);
    for (const path of ['oci-layout', ...readdirSync(join(folder, 'blobs/sha256')).map((blob) => `blobs/sha256/${blob}`)])
      entries.set(path, { path, mode: 0o644, from: join(folder, path) });
  }
  entries.set('index.json', { path: 'index.json', mode: 0o644, content: JSON.stringify(indexOf(manifests)) });
  return Readable.from(tar([...entries.values()]), { objectMode: false });
}
