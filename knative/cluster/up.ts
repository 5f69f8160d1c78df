import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Remedy } from '../../scripts/tools/install.ts';
import { cleanUp } from './clean-up.ts';
import { daemons } from './control-plane.ts';
import { type Daemon, ensureDaemon, isCurrent } from './daemon.ts';
import { type ClusterImage, clusterImages, pauseReference } from './images.ts';
import { applySystem, renderManifests, systemIsReady } from './knative.ts';
import { loadImage } from './load-image.ts';
import { raiseNetwork } from './network.ts';
import { ensurePki } from './pki.ts';
import type { Progress } from './progress.ts';
import { installPackages, lacking } from './requirements.ts';
import { readJson, stateFolder } from './state.ts';
import { ensureTools } from './tools.ts';

/**
 * Brings the cluster up, whatever was there before: nothing, a running one, one that lost processes, one from before a reboot.
 * @returns whether there was anything to do
 * @throws Remedy
 */
export async function up(shown: Progress, say: (line: string) => void): Promise<boolean> {
  refuseIfLacking();
  await installPackages(say);
  await ensureTools(shown);
  const images = await clusterImages(shown);
  const parts = await daemons(pauseReference());
  if (isStale()) {
    say('What is there is from before the last start of this machine, or half removed: the cluster begins anew.');
    await cleanUp(shown);
  }
  mkdirSync(stateFolder(), { recursive: true, mode: 0o755 });
  const digest = await renderManifests(images);
  if (parts.every(isCurrent) && (await systemIsReady(digest).catch(() => false))) return false;
  writeFileSync(bootFile(), JSON.stringify({ boot: bootId() }));
  await ensurePki();
  await raiseNetwork();
  await startAll(parts, images, shown);
  await applySystem(digest, shown);
  return true;
}

/** All that is missing is said at once. @throws Remedy */
function refuseIfLacking(): void {
  const faults = lacking();
  if (faults.length > 0) throw new Remedy(faults.join('\n'));
}

async function startAll(parts: readonly Daemon[], images: readonly ClusterImage[], shown: Progress): Promise<void> {
  const [containerd, ...rest] = parts;
  if (containerd) await shown.step('starting containerd', () => ensureDaemon(containerd));
  await shown.step('loading images', async (note) => {
    for (const { name, layout, reference } of images) {
      note(name);
      await loadImage(layout, reference);
    }
  });
  for (const part of rest) await shown.step(`starting ${part.name}`, () => ensureDaemon(part));
}

const bootFile = (): string => join(stateFolder(), 'boot.json');
const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/**
 * From before the machine's last start: etcd, which doesn't wait for the disk, may be broken, and no process is left. Or half of what an
 * interrupted `down` left.
 */
const isStale = (): boolean => existsSync(stateFolder()) && (readJson(bootFile()) as { boot?: string }).boot !== bootId();
