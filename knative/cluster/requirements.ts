import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { commandLine, portOwner } from '../../scripts/stack/proc.ts';
import { cacheFolder, Remedy, run } from '../../scripts/tools/install.ts';
import { ports } from './control-plane.ts';
import { markedProcesses, programOf } from './daemon.ts';
import { stateFolder } from './state.ts';
import { missingTools } from './tools.ts';

/** Programs (or files) that the cluster takes from the system, and the Debian packages that bring them. */
const wanted: readonly (readonly [program: string, debianPackage: string])[] = [
  ['containerd', 'containerd'],
  ['ctr', 'containerd'],
  ['runc', 'runc'],
  ['/usr/lib/cni/bridge', 'containernetworking-plugins'],
  ['iptables', 'iptables'],
  ['conntrack', 'conntrack'],
  ['/bin/busybox', 'busybox-static'],
  ['openssl', 'openssl'],
  ['ip', 'iproute2'],
  ['mount', 'mount'],
];

/** Free bytes that building everything takes (Go's cache, modules, programs, images), and what a built cluster takes. */
const diskCold = 12e9;
const diskWarm = 2e9;

/** What this machine lacks to be a cluster, one line each with its remedy; all at once. */
export function lacking(): string[] {
  const faults: string[] = [];
  if (process.platform !== 'linux')
    return [`This is ${process.platform}: the cluster runs on Linux. Use a virtual machine, or KUBECONFIG of another cluster.`];
  faults.push(...lackingCgroups(readOrEmpty('/proc/self/mounts')));
  if (!/\boverlay\b/.test(readOrEmpty('/proc/filesystems')) && !existsSync('/sys/module/overlay'))
    faults.push('The kernel has no overlay file system: modprobe overlay');
  const needed = missingTools() > 0 ? diskCold : diskWarm;
  for (const folder of new Set([cacheFolder(), stateFolder()].map(nearest))) {
    const { bavail, bsize } = statfsSync(folder);
    const free = bavail * bsize;
    if (free < needed)
      faults.push(`${folder} has ${gigabytes(free)} GB free, and ${gigabytes(needed)} are needed: free some, or set XDG_CACHE_HOME`);
  }
  const kubelet = otherKubelet();
  if (kubelet !== undefined) faults.push(`Another Kubernetes runs here (${kubelet}): end it, or use it with KUBECONFIG`);
  faults.push(...takenPorts());
  return faults;
}

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);

/** @param mounts /proc/self/mounts: cgroup v2 is one mount, v1 one for each controller */
export function lackingCgroups(mounts: string): string[] {
  const lines = mounts.split('\n').map((line) => line.split(' '));
  const second = lines.find(([, path, type]) => type === 'cgroup2' && path === '/sys/fs/cgroup');
  if (second) return [];
  const options = lines.filter(([, , type]) => type === 'cgroup').flatMap(([, , , list]) => (list ?? '').split(','));
  const missing = ['cpu', 'cpuset', 'memory', 'pids'].filter((name) => !options.includes(name));
  return missing.length === 0
    ? []
    : [`No cgroup of ${missing.join(', ')} is mounted: mount -t cgroup2 none /sys/fs/cgroup, or boot with systemd`];
}

function takenPorts(): string[] {
  return ports.flatMap(([port, part]) => {
    const owner = portOwner(port);
    if (owner === undefined || (owner.pid !== undefined && markedProcesses().includes(owner.pid))) return [];
    return [`Port ${port} (${part}) is taken by process ${owner.pid} (${owner.command.slice(0, 80)}): end it`];
  });
}

function otherKubelet(): string | undefined {
  const marked = markedProcesses();
  const pid = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((each) => ['kubelet', 'k3s', 'k3s-server'].includes(programOf(each)) && !marked.includes(each));
  return pid === undefined ? undefined : `process ${pid}, ${commandLine(pid).slice(0, 60)}`;
}

/** Debian packages that are missing. */
export const missingPackages = (): string[] => [
  ...new Set(wanted.filter(([program]) => !isThere(program)).map(([, debianPackage]) => debianPackage)),
];

function isThere(program: string): boolean {
  if (program.startsWith('/')) return existsSync(program);
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => existsSync(join(folder, program)));
}

/** Installs what is missing with apt-get, after saying so. @throws Remedy where there is no apt-get, or it fails */
export async function installPackages(say: (line: string) => void): Promise<void> {
  const packages = missingPackages();
  if (packages.length === 0) return;
  const command = `apt-get install --no-install-recommends ${packages.join(' ')}`;
  if (!isThere('apt-get'))
    throw new Remedy(`This machine lacks ${packages.join(', ')} (Debian's names) and has no apt-get.\nInstall them, then try again.`);
  say(`installing with apt-get: ${packages.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () => run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages], command, { env });
  await install().catch(async () => {
    // Its lists may be missing or old.
    await run(['apt-get', 'update', '-qq'], 'apt-get update', { env });
    await install();
  });
}

/** The folder, or the closest one above it that is there. */
function nearest(folder: string): string {
  if (existsSync(folder)) return folder;
  return nearest(join(folder, '..'));
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
