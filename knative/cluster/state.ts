import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine, startTicks } from '../../scripts/stack/proc.ts';
import { stackSettings } from '../../scripts/stack/state.ts';
import { Remedy } from '../../scripts/tools/install.ts';

/** The node is a name, a bridge and the bridge's address: everything listens there or on 127.0.0.1, nothing on the machine's own network. */
export const node = { name: 'record-node', bridge: 'record-platform', address: '10.244.0.1', podNetwork: '10.244.0.0/24' } as const;
export const serviceNetwork = '10.96.0.0/16';
/** The first address of the service network is the API server's; CoreDNS has one that pods can be told in advance. */
export const apiServiceAddress = '10.96.0.1';
export const dnsAddress = '10.96.0.10';
export const apiServer = `https://${node.address}:6443`;

/** All that the cluster keeps on this machine, but programs and images (those are in the cache). `down` removes it. */
export const stateFolder = (): string => join(stackSettings().folder, 'cluster');

/** What containerd has on /run: sockets, mounts of running containers. */
export const runFolder = '/run/record-platform';
export const containerdSocket = join(runFolder, 'containerd.sock');

/** The local cluster's own credentials, an administrator's. */
export const localKubeconfig = (): string => join(stateFolder(), 'pki/admin.kubeconfig');

/** Which cluster is meant: the one that KUBECONFIG names, else the local one. */
export const kubeconfig = (): string => process.env.KUBECONFIG || localKubeconfig();

/** One `up` or `down` at a time. @returns what gives the claim back @throws Remedy naming the process that has it, or where this isn't root */
export function claimCluster(): () => void {
  if (process.getuid?.() !== 0) throw new Remedy('The cluster needs root (networks, mounts, cgroups): sudo -E npm run cluster -- …');
  const folder = stackSettings().folder;
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const path = join(folder, 'cluster-owner.json');
  const { pid, ticks } = readJson(path) as { pid?: number; ticks?: string };
  if (pid !== undefined && pid !== process.pid && ticks !== undefined && startTicks(pid) === ticks)
    throw new Remedy(
      `Process ${pid} (${commandLine(pid).slice(0, 80)}) is changing the cluster.\nWait for it, or end it: npm run cluster -- status`,
    );
  writeFileSync(path, JSON.stringify({ pid: process.pid, ticks: startTicks(process.pid) }));
  return () => rmSync(path, { force: true });
}

/** The content of a file that a crash may have cut short: then, as when it is missing, {}. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}
