import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Remedy, run } from '../../scripts/tools/install.ts';
import { archive } from '../images/oci.ts';
import { runningPid } from './daemon.ts';
import { containerdSocket } from './state.ts';

/** Kubernetes' own images; others on the same containerd are not its. */
export const ctr = ['ctr', '--address', containerdSocket, '--namespace', 'k8s.io'] as const;
const remedy = 'containerd is a part of the local cluster: npm run cluster -- up';

/**
 * Gives an image to the local cluster's containerd. Quick when it has the same one by this name already.
 * @param layout folder in the OCI image layout
 * @param reference the name that manifests say: "dev.local/record-platform/records-get-record:0123456789ab"
 * @throws Remedy where the local cluster isn't up, or containerd refuses the image
 */
export async function loadImage(layout: string, reference: string): Promise<void> {
  if (runningPid('containerd') === undefined) throw new Remedy(`The local cluster does not run.\n${remedy}`);
  if ((await loadedDigest(reference)) === layoutDigest(layout)) return;
  const child = spawn(ctr[0], [...ctr.slice(1), 'images', 'import', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk).slice(-1000);
  });
  // It may end before it has read everything; then its exit code tells more than a broken pipe.
  archive(layout).pipe(child.stdin.on('error', () => {}));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Remedy(`${reference} could not be loaded: ${said.trim()}\n${remedy}`);
  if ((await loadedDigest(reference)) !== layoutDigest(layout))
    throw new Remedy(`${layout} is not the image ${reference}: its index.json names another.\nBuild the images again.`);
}

/** "sha256:…" of the manifest that a layout's index names. */
export function layoutDigest(layout: string): string {
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
  return index.manifests[0]?.digest ?? '';
}

async function loadedDigest(reference: string): Promise<string | undefined> {
  const table = await run([...ctr, 'images', 'ls', `name==${reference}`], remedy);
  return /sha256:[0-9a-f]{64}/.exec(table)?.[0];
}
