import { existsSync, globSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from '../../scripts/stack/proc.ts';
import { Remedy, run } from '../../scripts/tools/install.ts';
import { containerd, containerdRoot } from './control-plane.ts';
import { end, ensureDaemon, kill, markedProcesses, otherCluster, programOf, stopDaemon } from './daemon.ts';
import { containerProcesses } from './footprint.ts';
import { pauseReference } from './images.ts';
import { ctr } from './load-image.ts';
import { lowerNetwork, withoutOurRules } from './network.ts';
import type { Progress } from './progress.ts';
import { node, runFolder, stateFolder } from './state.ts';

const containerStopMs = 5000;

/** Removes everything that the cluster has on this machine, however it came to its end; programs and images stay in the cache. @throws Remedy */
export async function cleanUp(shown: Progress): Promise<void> {
  // Bridge, addresses and rules are one cluster's at a time.
  const other = otherCluster();
  if (other !== undefined)
    throw new Remedy(
      `The cluster that runs here has its state in ${other}.\nEnd that one: RECORD_PLATFORM_STATE=${dirname(other)} npm run cluster -- down`,
    );
  if (!existsSync(stateFolder()) && leftovers().length === 0 && (await leftRules()).length === 0) return;
  await shown.step('ending control plane and pods', async () => {
    // First those that would start new ones.
    await Promise.all(['kubelet', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy'].map(stopDaemon));
    await Promise.all(['kube-apiserver', 'etcd'].map(stopDaemon));
    await endContainers();
  });
  await shown.step('removing containers, mounts and networks', async () => {
    await forgetContainers();
    await stopDaemon('containerd');
    for (const pid of markedProcesses()) kill(pid, 'SIGKILL');
    for (let waited = 0; markedProcesses().length > 0 && waited < 5000; waited += 50) await sleep(50);
    await unmountAll();
    await lowerNetwork();
    removeCgroups();
    rmSync(stateFolder(), { recursive: true, force: true });
    removeTraces();
  });
}

/** What of a cluster is still on this machine, in words; nothing after `down`. */
export function leftovers(): string[] {
  const found = markedProcesses().map((pid) => `process ${pid} (${programOf(pid)})`);
  found.push(...ourMounts().map((path) => `mount ${path}`));
  if (existsSync(`/sys/class/net/${node.bridge}`)) found.push(`interface ${node.bridge}`);
  found.push(...cgroups().map((path) => `cgroup ${path}`));
  return found;
}

/** iptables' rules that are left; slower to ask for. */
export async function leftRules(): Promise<string[]> {
  const saved = await run(['iptables-save'], '').catch(() => '');
  const kept = new Set(withoutOurRules(saved).split('\n'));
  return saved.split('\n').filter((line) => !kept.has(line));
}

async function endContainers(): Promise<void> {
  const pids = containerProcesses();
  for (const pid of pids) kill(pid, 'SIGTERM');
  for (let waited = 0; pids.some(isRunning) && waited < containerStopMs; waited += 100) await sleep(100);
  for (const pid of containerProcesses()) kill(pid, 'SIGKILL');
  for (let waited = 0; containerProcesses().length > 0 && waited < 5000; waited += 50) await sleep(50);
}

/** containerd must not know them at its next start. Where it doesn't even start, its whole memory goes, images too. */
async function forgetContainers(): Promise<void> {
  if (!existsSync(containerdRoot())) return;
  try {
    await ensureDaemon(containerd(pauseReference()));
    for (const what of ['tasks', 'containers']) {
      const ids = (await run([...ctr, what, 'ls', '-q'], '')).split('\n').filter(Boolean);
      if (ids.length === 0) continue;
      const remove = what === 'tasks' ? ['delete', '--force'] : ['rm'];
      await run([...ctr, what, ...remove, ...ids], '').catch(() => {});
    }
    const left = (await run([...ctr, 'containers', 'ls', '-q'], '')).trim();
    if (left !== '') throw new Error(`containerd keeps ${left}`);
  } catch (error) {
    process.stderr.write(`containerd's images are removed, too: ${(error as Error).message.split('\n')[0]}\n`);
    await end(markedProcesses().filter((pid) => programOf(pid) === 'containerd'));
    await unmountAll();
    rmSync(containerdRoot(), { recursive: true, force: true });
  }
}

/** Mount points of containers, volumes and pods' network namespaces, the innermost first. */
function ourMounts(): string[] {
  const isOurs = (path: string): boolean =>
    [runFolder, stateFolder(), containerdRoot()].some((folder) => path.startsWith(`${folder}/`)) ||
    /^(\/var)?\/run\/netns\/cni-/.test(path);
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter(isOurs)
    .reverse();
}

async function unmountAll(): Promise<void> {
  // Twice, for what was mounted over another one.
  for (let round = 0; round < 3 && ourMounts().length > 0; round += 1)
    for (const path of ourMounts()) await run(['umount', '--lazy', path], '').catch(() => {});
  // Removing folders would go through a mount into what is mounted there.
  const [left] = ourMounts();
  if (left !== undefined)
    throw new Remedy(
      `${left} can't be unmounted, so nothing is removed.\nSee what holds it (fuser -vm ${left}), then try again: npm run cluster -- down`,
    );
}

const cgroups = (): string[] => globSync('/sys/fs/cgroup{,/*}/kubepods');

/** cgroups go from the inside to the outside; their files can't be removed. */
function removeCgroups(): void {
  const remove = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) remove(join(folder, entry.name));
    attempt(() => rmdirSync(folder));
  };
  for (const folder of cgroups()) attempt(() => remove(folder));
}

/** Files that kubelet, containerd and CNI's plugins leave at places of their own choice. Folders go only when they are empty then. */
function removeTraces(): void {
  for (const path of globSync('/run/netns/cni-*')) attempt(() => rmSync(path));
  rmSync(runFolder, { recursive: true, force: true });
  // What CNI noted about network namespaces that are gone, the loopback's too.
  for (const path of globSync('/var/lib/cni/results/*')) {
    const [, namespace] = /"((?:\/var)?\/run\/netns\/[^"]+)"/.exec(readFileSync(path, 'utf8')) ?? [];
    if (namespace !== undefined && !existsSync(namespace)) rmSync(path);
  }
  for (const path of globSync('/var/log/containers/*.log')) if (!existsSync(path)) rmSync(path);
  const sockets = readFileSync('/proc/net/unix', 'utf8');
  for (const path of globSync('/run/containerd/s/*')) if (!sockets.includes(path)) rmSync(path);
  // kubelet makes it whatever its own folder is.
  for (const name of ['kubelet_internal_checkpoint', 'kubelet.sock']) rmSync(`/var/lib/kubelet/device-plugins/${name}`, { force: true });
  const folders = ['/var/lib/cni/results', '/var/lib/cni', '/var/log/containers', '/run/containerd/s', '/run/containerd', '/run/netns'];
  for (const path of [...folders, '/var/lib/kubelet/device-plugins', '/var/lib/kubelet']) attempt(() => rmdirSync(path));
}

/** What has gone already, or is another's, stays so. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // See above.
  }
}
