import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cleanUp, leftovers, leftRules } from '../knative/cluster/clean-up.ts';
import { containerdRoot } from '../knative/cluster/control-plane.ts';
import { footprint } from '../knative/cluster/footprint.ts';
import { printLogs } from '../knative/cluster/logs.ts';
import { duration, progress } from '../knative/cluster/progress.ts';
import { claimCluster, localKubeconfig } from '../knative/cluster/state.ts';
import { clusterStatus, statusText } from '../knative/cluster/status.ts';
import { runClusterTests } from '../knative/cluster/test.ts';
import { kn, kubectl } from '../knative/cluster/tools.ts';
import { up } from '../knative/cluster/up.ts';
import { Remedy } from './tools/install.ts';

const help = `npm run cluster -- <command>

A real Knative on this machine, without Docker: one Kubernetes node, Knative Serving, Kourier and CoreDNS. Linux and root.

  up                    brings it up, or says that it is; builds its programs when they are missing (the first time takes a while)
  down [--images]       ends it and removes everything but programs and images (--images: these, too)
  status [-o json]      node, pods, functions, memory
  logs NAME [-f]        what a part (kubelet, kube-apiserver …), a function, a deployment or a pod has said
  test [PATH …] [--only TEXT] [--quick]
                        the tests that need the cluster (--quick: the part of them that CI runs); the last line counts: "N passed, N failed"
  --help                this text

Settings: RECORD_PLATFORM_STATE (the cluster's state is its folder cluster), XDG_CACHE_HOME (programs and images).
Exit codes: 0 done, 1 failed, 2 wrong usage.
`;

class WrongUsage extends Error {}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function runUp(): Promise<number> {
  const began = performance.now();
  const release = claimCluster();
  try {
    const changed = await up(progress(), say);
    const took = duration(performance.now() - began);
    process.stdout.write(
      changed ? `The cluster is up (${took}).\n${await usage()}` : `The cluster is up already (${took}).\n${await usage()}`,
    );
    return 0;
  } finally {
    release();
  }
}

async function usage(): Promise<string> {
  const { controlPlaneMb, podsMb, totalMb } = footprint();
  return `
  export KUBECONFIG=${localKubeconfig()}
  alias kubectl=${await kubectl()}
  alias kn=${await kn()}

Deploy the functions: npm run deploy. See them: npm run cluster -- status. End it: npm run cluster -- down.
resident: ${totalMb} MB (control plane and node ${controlPlaneMb}, pods ${podsMb})
`;
}

async function runDown(images: boolean): Promise<number> {
  const release = claimCluster();
  try {
    await cleanUp(progress());
    if (images) rmSync(containerdRoot(), { recursive: true, force: true });
    const left = [...leftovers(), ...(await leftRules())];
    if (left.length > 0) throw new Remedy(`Left on this machine:\n  ${left.join('\n  ')}\nTry again: npm run cluster -- down`);
    process.stdout.write('The cluster is down; nothing of it is left but programs and images in the cache.\n');
    return 0;
  } finally {
    release();
  }
}

async function runStatus(output: string | undefined): Promise<number> {
  if (output !== undefined && output !== 'json') throw new WrongUsage(`-o ${output} is not known: -o json.`);
  const status = await clusterStatus();
  process.stdout.write(output === 'json' ? `${JSON.stringify(status, null, 2)}\n` : statusText(status));
  return status.nodes.every(({ ready }) => ready) && Object.values(status.parts).every((pid) => pid !== null) ? 0 : 1;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      images: { type: 'boolean', default: false },
      output: { type: 'string', short: 'o' },
      follow: { type: 'boolean', short: 'f', default: false },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  const [command, ...rest] = positionals;
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  if (command === 'test') return (await runClusterTests(rest, values)) ? 0 : 1;
  if (command === 'logs') {
    const [name, ...more] = rest;
    if (name === undefined || more.length > 0) throw new WrongUsage('logs takes one name.');
    return printLogs(name, values.follow);
  }
  if (rest.length > 0) throw new WrongUsage(`${rest[0]} is one word too many.`);
  if (command === 'up') return runUp();
  if (command === 'down') return runDown(values.images);
  if (command === 'status') return runStatus(values.output);
  throw new WrongUsage(command === undefined ? 'A command is missing.' : `${command} is no command.`);
}

// Kubernetes' parts run as root, and what is secret among their files is made so by name.
process.umask(0o022);
process.exitCode = await main().catch((error: Error & { code?: string }) => {
  if (error instanceof WrongUsage || error.code?.startsWith('ERR_PARSE_ARGS')) {
    process.stderr.write(`${error.message}\n\n${help}`);
    return 2;
  }
  process.stderr.write(`${error instanceof Remedy ? error.message : error.stack}\n`);
  return 1;
});
