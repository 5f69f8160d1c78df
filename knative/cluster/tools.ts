import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, installed, Remedy, run } from '../../scripts/tools/install.ts';
import { duration, type Progress, progress } from './progress.ts';

/** Programs that one Go module's pins (modules/NAME/go.mod, go.sum) are built into. */
interface Group {
  readonly name: string;
  /** The module whose version is the group's. */
  readonly module: string;
  /** Program → package; "." is a main.go beside the pins. */
  readonly programs: Readonly<Record<string, string>>;
  readonly tags?: string;
  /** Variables of the program that the linker sets, from the version without its "v". */
  readonly variables?: (version: string) => Readonly<Record<string, string>>;
  /** Files of its modules that go with it: name → module and glob patterns below its folder. They become one file, in that order. */
  readonly manifests?: Readonly<Record<string, readonly (readonly [module: string, pattern: string])[]>>;
}

const kubernetesCommands = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'];
const servingCommands = ['controller', 'webhook', 'autoscaler', 'activator', 'queue'];

/** The slowest first: whoever watches knows the worst early. */
const groups: readonly Group[] = [
  {
    name: 'kubernetes',
    module: 'k8s.io/kubernetes',
    programs: Object.fromEntries(kubernetesCommands.map((command) => [command, `k8s.io/kubernetes/cmd/${command}`])),
    tags: 'providerless',
    // Without its version in it Kubernetes says v0.0.0, and Knative refuses to run on that.
    variables: (version) =>
      Object.fromEntries(
        ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((name) => [
          [`${name}.gitVersion`, `v${version}`],
          [`${name}.gitMajor`, version.split('.')[0] ?? ''],
          [`${name}.gitMinor`, version.split('.')[1] ?? ''],
          [`${name}.gitTreeState`, 'clean'],
          [`${name}.gitCommit`, '0'.repeat(40)],
          [`${name}.buildDate`, '1970-01-01T00:00:00Z'],
        ]),
      ),
  },
  { name: 'etcd', module: 'go.etcd.io/etcd/server/v3', programs: { etcd: 'go.etcd.io/etcd/server/v3' } },
  {
    name: 'serving',
    module: 'knative.dev/serving',
    programs: {
      ...Object.fromEntries(servingCommands.map((command) => [command, `knative.dev/serving/cmd/${command}`])),
      helloworld: 'knative.dev/serving/test/test_images/helloworld',
    },
    manifests: {
      'crds.yaml': [
        ['knative.dev/serving', 'config/core/300-resources/*.yaml'],
        // Links in Serving's repository, and so not in its module.
        ['knative.dev/networking', 'config/{certificate,domain-claim,ingress,serverlessservice}.yaml'],
        ['knative.dev/caching', 'config/image.yaml'],
      ],
      'core.yaml': [
        ['knative.dev/serving', 'config/core/100-namespace.yaml'],
        ['knative.dev/serving', 'config/core/200-serviceaccount.yaml'],
        ['knative.dev/serving', 'config/core/200-roles/*.yaml'],
        ['knative.dev/serving', 'config/core/configmaps/*.yaml'],
        ['knative.dev/networking', 'config/config-network.yaml'],
        ['knative.dev/serving', 'config/core/deployments/{activator,autoscaler,controller,webhook}.yaml'],
        ['knative.dev/serving', 'config/core/webhooks/secret.yaml'],
      ],
      'webhooks.yaml': [['knative.dev/serving', 'config/core/webhooks/{configmap-validation,defaulting,resource-validation}.yaml']],
    },
  },
  {
    name: 'kourier',
    module: 'knative.dev/net-kourier',
    programs: { kourier: 'knative.dev/net-kourier/cmd/kourier' },
    manifests: { 'kourier.yaml': [['knative.dev/net-kourier', 'config/*.yaml']] },
  },
  { name: 'coredns', module: 'github.com/coredns/coredns', programs: { coredns: '.' } },
  {
    name: 'kn',
    module: 'knative.dev/client',
    programs: { kn: 'knative.dev/client/cmd/kn' },
    variables: (version) => ({ 'knative.dev/client/pkg/commands/version.Version': `v${version}` }),
  },
];

const modules = join(import.meta.dirname, 'modules');
const goRemedy = 'Go 1.25 or later builds the cluster: put its bin folder into PATH (go.dev/dl, or Debian 13’s golang-go).';

export const kubectl = (): Promise<string> => program('kubernetes', 'kubectl');
/** Knative's own command line. */
export const kn = (): Promise<string> => program('kn', 'kn');

/**
 * The path of one of the cluster's programs; its group is built into the cache where it is missing.
 * @throws Remedy
 */
export async function program(group: string, name: string): Promise<string> {
  return join(await groupFolder(group), name);
}

/** The folder of a group: its programs, and manifests/ where it has some. Built where it is missing. @throws Remedy */
export async function groupFolder(name: string, shown?: Progress): Promise<string> {
  const group = groups.find((each) => each.name === name);
  if (group === undefined) throw new Error(`${name} is no group of programs`);
  return installed(folderName(group), `${group.module} ${version(group)} (Go modules, built here)`, (into) =>
    build(group, into, shown ?? progress()),
  );
}

/** Builds every group that the cache lacks, one after the other: each takes all cores already. @throws Remedy */
export async function ensureTools(shown: Progress = progress()): Promise<void> {
  for (const { name } of groups) await groupFolder(name, shown);
}

/** How many of the cluster's programs are still to be built. */
export const missingTools = (): number =>
  groups.filter((group) => !existsSync(join(cacheFolder(), folderName(group)))).flatMap(({ programs }) => Object.keys(programs)).length;

/** Name, version, and a digest of all that decides about the programs but the Go version. */
function folderName(group: Group): string {
  const hash = createHash('sha256').update(JSON.stringify([group, group.variables?.(version(group))]));
  for (const file of globSync('{go.mod,go.sum,*.go}', { cwd: join(modules, group.name) }).sort())
    hash.update(readFileSync(join(modules, group.name, file)));
  return `cluster-${group.name}-${version(group)}-${hash.digest('hex').slice(0, 8)}`;
}

/** Of the group's module, as its go.mod pins it: "1.34.10". */
function version({ name, module }: Group): string {
  const text = readFileSync(join(modules, name, 'go.mod'), 'utf8');
  const line = text.split('\n').find((each) =>
    each
      .replace(/^require /, '')
      .trim()
      .startsWith(`${module} v`),
  );
  if (line === undefined) throw new Error(`modules/${name}/go.mod requires no ${module}`);
  return line.split(' v')[1]?.split(' ')[0] ?? '';
}

async function build(group: Group, into: string, shown: Progress): Promise<void> {
  await checkGo();
  const cwd = join(modules, group.name);
  // Static programs, the same bytes wherever they are built; go.sum must hold every hash.
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off', GOFLAGS: '-mod=readonly -trimpath -buildvcs=false' };
  const variables = Object.entries(group.variables?.(version(group)) ?? {}).map(([name, value]) => `-X ${name}=${value}`);
  const flags = ['-tags', group.tags ?? '', '-ldflags', ['-s -w', ...variables].join(' ')];
  const all = groups.flatMap(({ programs }) => Object.keys(programs));
  const began = performance.now();
  for (const [name, path] of Object.entries(group.programs)) {
    const title = `building ${name} (${all.indexOf(name) + 1} of ${all.length})`;
    await shown.step(title, () => run(['go', 'build', ...flags, '-o', join(into, name), path], remedyOf(group, began), { cwd, env }));
  }
  for (const [name, parts] of Object.entries(group.manifests ?? {})) {
    mkdirSync(join(into, 'manifests'), { recursive: true });
    const texts: string[] = [];
    for (const [module, pattern] of parts) {
      const folder = (await run(['go', 'list', '-m', '-f', '{{.Dir}}', module], goRemedy, { cwd, env })).trim();
      const files = globSync(pattern, { cwd: folder }).sort();
      if (files.length === 0) throw new Error(`${module} has no ${pattern}`);
      texts.push(...files.map((file) => readFileSync(join(folder, file), 'utf8').trim()));
    }
    writeFileSync(join(into, 'manifests', name), `${texts.join('\n---\n')}\n`);
  }
}

const remedyOf = ({ name }: Group, began: number): string =>
  `Building ${name} failed after ${duration(performance.now() - began)}. What Go has compiled stays in its cache: try again (it needs 5 GB of disk and the Go modules' proxy).`;

/** @throws Remedy where Go is missing or too old */
async function checkGo(): Promise<void> {
  const said = await run(['go', 'env', 'GOVERSION'], goRemedy, { env: { ...process.env, GOTOOLCHAIN: 'local' } });
  const [, minor] = /^go1\.(\d+)/.exec(said) ?? [];
  if (minor === undefined || Number(minor) < 25) throw new Remedy(`Go here is ${said.trim()}.\n${goRemedy}`);
}
