import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Remedy, run } from '../../scripts/tools/install.ts';
import { node, readJson, serviceNetwork, stateFolder } from './state.ts';

const remedy = 'The cluster needs Linux with bridges, iptables and conntrack, and root: npm run cluster -- up says what is missing.';
const ip = (...args: string[]) => run(['ip', ...args], remedy);

/** What must be on for packets between pods and services. The values of before come back at `down`. */
const wantedSysctls: Readonly<Record<string, string>> = {
  'net/ipv4/ip_forward': '1',
  'net/bridge/bridge-nf-call-iptables': '1',
  // kubelet, containerd and every Envoy watch files.
  'fs/inotify/max_user_instances': '1024',
};

/** FORWARD's rules: how each is added ("-I" first, "-A" last), and what it says. */
const forwarding: readonly (readonly [how: '-I' | '-A', ...rule: string[]])[] = [
  // Pods reach each other, services and this machine, and open nothing beyond: what is tested here stays here. Answers may leave.
  ['-I', '-i', node.bridge, '!', '-o', node.bridge, '-m', 'conntrack', '--ctstate', 'NEW', ...named('pods stay here'), '-j', 'REJECT'],
  // Where Docker has turned the policy to DROP. Last, so that kube-proxy's refusals come before it.
  ['-A', '-i', node.bridge, '-o', node.bridge, ...named('pods reach pods'), '-j', 'ACCEPT'],
];

function named(what: string): string[] {
  return ['-m', 'comment', '--comment', `record-platform: ${what}`];
}

/**
 * The bridge, the way to service addresses, and what keeps pods on this machine. May be called again.
 * @throws Remedy where an address is in use elsewhere
 */
export async function raiseNetwork(): Promise<void> {
  const routes = JSON.parse(await ip('-json', '-4', 'route', 'show')) as { dst: string; dev?: string }[];
  for (const wanted of [node.podNetwork, serviceNetwork]) {
    const taken = routes.find(({ dst, dev }) => dst === wanted && dev !== node.bridge);
    if (taken) throw new Remedy(`The addresses ${wanted} lead to ${taken.dev} already: another cluster's?\nEnd that one first.`);
  }
  if (!existsSync('/proc/sys/net/bridge')) await run(['modprobe', 'br_netfilter'], remedy);
  raiseSysctls();
  if (!existsSync(`/sys/class/net/${node.bridge}`)) await ip('link', 'add', node.bridge, 'type', 'bridge');
  await ip('address', 'replace', `${node.address}/24`, 'dev', node.bridge);
  await ip('link', 'set', node.bridge, 'up');
  await ip('route', 'replace', serviceNetwork, 'dev', node.bridge);
  for (const [how, ...rule] of forwarding)
    await run(['sh', '-c', `iptables -w -C FORWARD "$@" 2>/dev/null || iptables -w ${how} FORWARD "$@"`, 'sh', ...rule], remedy);
}

/** The interfaces and rules that are ours or that Kubernetes made; other programs' rules stay. */
export async function lowerNetwork(): Promise<void> {
  for (const link of await ourLinks()) await ip('link', 'delete', link).catch(() => {});
  for (const tables of ['iptables', 'ip6tables']) {
    // A machine without them has no rules either.
    const before = await run([`${tables}-save`], remedy).catch(() => '');
    const after = withoutOurRules(before);
    if (after === before) continue;
    mkdirSync(stateFolder(), { recursive: true });
    const file = join(stateFolder(), `${tables}.rules`);
    writeFileSync(file, after);
    // By its standard input: after -w the two kinds of iptables take a file's name for different things.
    await run(['sh', '-c', `${tables}-restore -w < "$1"`, 'sh', file], remedy);
    rmSync(file);
  }
  // Connections that NAT knows would be sent to pods that are gone. It fails where there are none.
  for (const which of [
    ['--orig-src', node.podNetwork],
    ['--reply-src', node.podNetwork],
    ['--orig-dst', serviceNetwork],
  ])
    await run(['conntrack', '-D', ...which], remedy).catch(() => {});
  lowerSysctls();
}

/** The bridge, and pods' interfaces on it (which a crash may have left). */
async function ourLinks(): Promise<string[]> {
  const links = JSON.parse(await ip('-json', 'link', 'show')) as { ifname: string; master?: string }[];
  return links.filter(({ ifname, master }) => master === node.bridge || ifname === node.bridge).map(({ ifname }) => ifname);
}

/**
 * iptables-save's text without what the cluster brought: chains named KUBE-… and CNI-…, and rules that lead there or carry our comment.
 */
export function withoutOurRules(saved: string): string {
  const ours = (line: string): boolean => /(^:| )(KUBE-|CNI-)/.test(line) || line.includes('"record-platform: ');
  return saved
    .split('\n')
    .filter((line) => !ours(line))
    .join('\n');
}

const sysctlPath = (name: string): string => join('/proc/sys', name);
const sysctlsBefore = (): string => join(stateFolder(), 'sysctls.json');

function raiseSysctls(): void {
  const before = readJson(sysctlsBefore()) as Record<string, string>;
  for (const [name, wanted] of Object.entries(wantedSysctls)) {
    const value = readFileSync(sysctlPath(name), 'utf8').trim();
    if (Number(value) >= Number(wanted)) continue;
    before[name] ??= value;
    // Noted before it is changed: a crash in between must not lose what was there.
    writeFileSync(sysctlsBefore(), JSON.stringify(before));
    writeFileSync(sysctlPath(name), wanted);
  }
}

function lowerSysctls(): void {
  for (const [name, value] of Object.entries(readJson(sysctlsBefore()) as Record<string, string>)) writeFileSync(sysctlPath(name), value);
  rmSync(sysctlsBefore(), { force: true });
}
