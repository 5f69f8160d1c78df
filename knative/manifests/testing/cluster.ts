import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Edge } from '../../../scripts/demo/edge.ts';
import { rootFile } from '../../../scripts/deploy/deploy.ts';
import { connect, type Kubectl } from '../../../scripts/deploy/kubectl.ts';
import { stackSettings } from '../../../scripts/stack/state.ts';
import { kubeconfig } from '../../cluster/state.ts';
import { kn } from '../../cluster/tools.ts';
import { type Manifest, readManifests } from '../render.ts';
import { functionsNamespace } from '../service.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What cluster tests speak to: a cluster that `npm run deploy` has deployed everything to. */
export interface TestCluster {
  readonly kubectl: Kubectl;
  /** Runs `npm run deploy -- …` as a child process. */
  deploy(...args: string[]): Promise<Ended>;
  kn(...args: string[]): Promise<string>;
  /** The files that the last deploy wrote for kn: name → path. */
  files(): Map<string, string>;
  /** Every function's newest revision. */
  revisions(): Promise<Map<string, string>>;
}

const root = join(import.meta.dirname, '../../..');
const env = () => ({ ...process.env, KUBECONFIG: kubeconfig() });

export async function testCluster(): Promise<TestCluster> {
  const kubectl = await connect();
  const folder = join(stackSettings().folder, 'deploy/local');
  return {
    kubectl,
    async deploy(...args) {
      const command = [join(root, 'scripts/deploy.ts'), ...args];
      return promisify(execFile)(process.execPath, command, { env: env(), maxBuffer: 16 * 1024 * 1024 }).then(
        ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
        ({ code, stdout, stderr }: Ended) => ({ code, stdout, stderr }),
      );
    },
    kn: async (...args) => (await promisify(execFile)(await kn(), ['-n', functionsNamespace, ...args], { env: env() })).stdout,
    files: () =>
      new Map(
        readdirSync(folder)
          .filter((name) => name.endsWith('.yaml'))
          .map((name) => [name.slice(0, -'.yaml'.length), join(folder, name)]),
      ),
    async revisions() {
      const services = await kubectl.list('ksvc', functionsNamespace);
      return new Map(services.map(({ metadata, status }) => [metadata.name, status?.latestCreatedRevisionName]));
    },
  };
}

/** A function's file as the last deploy wrote it. */
export function readFile(path: string): Manifest {
  const [manifest] = readManifests(readFileSync(path, 'utf8'));
  if (manifest === undefined) throw new Error(`${path} is empty`);
  return manifest;
}

/** The edge of the local cluster, as clients see it. */
export function clusterEdge(): Edge {
  const caFile = rootFile();
  return { origin: 'https://record.local:8443', host: 'record.local', port: 8443, address: '127.0.0.1', ca: readFileSync(caFile), caFile };
}

/** A folder that goes when the work is done. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-cluster-test-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
