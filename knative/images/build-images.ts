import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../../scripts/build/build.ts';
import { withLock } from '../../scripts/build/build-lock.ts';
import { findFunctions } from '../../scripts/build/functions.ts';
import { Remedy } from '../../scripts/tools/install.ts';
import { writeLayout } from './oci.ts';
import { functionImage, platformImages, platformSources } from './specs.ts';

/** An image, as it stands in dist/images. */
export interface Image {
  /** "records-get-record", "postgres" … */
  readonly name: string;
  /** "dev.local/record-platform/records-get-record:3f0c…": the tag is the beginning of the digest, so it never means another image. */
  readonly reference: string;
  /** "sha256:…" of its manifest. */
  readonly digest: string;
  /** Of what is sent to a registry, base layer included. */
  readonly bytes: number;
  /** Folder in the OCI image layout. */
  readonly layout: string;
}

export interface BuildImagesOptions {
  /** Called with each image that is done, and whether it was there already. */
  readonly onProgress?: ((image: Image, unchanged: boolean) => void) | undefined;
}

const project = join(import.meta.dirname, '../..');
/** Layouts by name; `.layers` holds each layer once. */
const imagesFolder = join(project, 'dist/images');

/** Every image's name: the functions, then what stands beside them. */
export const imageNames = (): string[] => [...findFunctions(project).map(({ name }) => name), ...Object.keys(platformImages)];

/**
 * Builds images into dist/images/NAME, and the functions' bundles before them. What has not changed is not made again: the same
 * sources give the same digest.
 * @param names all of them otherwise
 * @throws Error where a name is unknown or a bundle is not built, Remedy where a part can't be had
 */
export async function buildImages(names: readonly string[] = imageNames(), { onProgress }: BuildImagesOptions = {}): Promise<Image[]> {
  const unknown = names.filter((name) => !imageNames().includes(name));
  if (unknown.length > 0) throw new Error(`there is no image ${unknown.join(', ')}; there are ${imageNames().join(', ')}`);
  const functions = names.filter((name) => platformImages[name] === undefined);
  const built = functions.length > 0 ? await build({ only: functions }) : [];
  mkdirSync(imagesFolder, { recursive: true });
  return withLock(join(imagesFolder, '.lock'), async () => {
    const images: Image[] = [];
    for (const name of names) {
      const inputs = built.find((one) => one.name === name)?.inputs;
      const recipe = await (platformImages[name]?.() ?? functionImage(name));
      const layout = join(imagesFolder, name);
      const before = digestOf(layout);
      const referenceOf = (digest: string) => `dev.local/record-platform/${name}:${digest.slice('sha256:'.length, 'sha256:'.length + 12)}`;
      const labels = labelsOf(name, inputs ?? platformSources[name] ?? []);
      const { digest, bytes } = await writeLayout(layout, referenceOf, { ...recipe, labels }, { store: join(imagesFolder, '.layers') });
      const image = { name, reference: referenceOf(digest), digest, bytes, layout };
      images.push(image);
      onProgress?.(image, digest === before);
    }
    dropUnused();
    return images;
  });
}

function labelsOf(name: string, sources: readonly string[]): Record<string, string> {
  const { version, license } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string; license: string };
  const revision = revisionOf(sources);
  return {
    'org.opencontainers.image.title': name,
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.licenses': license,
    ...(revision === undefined ? {} : { 'org.opencontainers.image.revision': revision }),
  };
}

/**
 * The last commit that changed one of the sources, and not simply the last: a commit elsewhere must not make another image, and so
 * another revision, of a function that stayed the same. Undefined outside of git and where sources have not been committed.
 */
function revisionOf(sources: readonly string[]): string | undefined {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', project, ...args, '--', ...sources], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('status', '--porcelain') === '' ? git('log', '-1', '--format=%H') || undefined : undefined;
  } catch {
    return undefined;
  }
}

function digestOf(layout: string): string | undefined {
  const index = join(layout, 'index.json');
  return existsSync(index) ? JSON.parse(readFileSync(index, 'utf8')).manifests[0].digest : undefined;
}

/** Layers that no layout has any more, and images of functions that are gone. */
function dropUnused(): void {
  for (const name of readdirSync(imagesFolder))
    if (!name.startsWith('.') && !imageNames().includes(name)) rmSync(join(imagesFolder, name), { recursive: true, force: true });
  const store = join(imagesFolder, '.layers');
  for (const file of readdirSync(store)) {
    const path = join(store, file);
    // Each layout has a link to the blob.
    if (file.endsWith('.part') || (!file.endsWith('.json') && lstatSync(path).nlink === 1)) rmSync(path);
  }
  for (const file of readdirSync(store).filter((name) => name.endsWith('.json'))) {
    const { digest } = JSON.parse(readFileSync(join(store, file), 'utf8')) as { digest: string };
    if (!existsSync(join(store, digest.slice('sha256:'.length)))) rmSync(join(store, file));
  }
}

/** The image of a name that is there already. @throws Remedy where it isn't */
export function builtImage(name: string): Omit<Image, 'bytes'> {
  const layout = join(imagesFolder, name);
  const digest = digestOf(layout);
  if (digest === undefined) throw new Remedy(`The image ${name} has not been built.\nnpm run images -- ${name}`);
  return { name, layout, digest, reference: `dev.local/record-platform/${name}:${digest.slice(7, 19)}` };
}
