import { manifestSchemas } from '../../knative/manifests/schemas.ts';
import { caddy } from './caddy.ts';
import { debianImageRoot, debianRoot } from './debian.ts';
import { grpcurl, h2spec, kubeconform, kubeScore, kustomize } from './go.ts';
import { Remedy } from './install.ts';
import { loadSender } from './load-sender.ts';
import { pythonGrpc } from './python-grpc.ts';

/** What a job (a script of package.json) needs beside npm's packages. What isn't here needs nothing. */
const needs: Readonly<Record<string, readonly (() => Promise<unknown>)[]>> = {
  start: [caddy, debianRoot],
  test: [caddy, debianRoot, debianImageRoot, grpcurl, h2spec, kubeconform, kubeScore, kustomize, manifestSchemas, pythonGrpc, loadSender],
  demo: [debianRoot],
  db: [debianRoot],
  load: [loadSender],
  bench: [caddy, debianRoot],
  // Go programs and Envoy come with `up`, which shows how far it is.
  cluster: [debianRoot],
  images: [caddy, debianImageRoot],
  // kubectl is the cluster's, or the one in PATH.
  deploy: [caddy, debianImageRoot],
  'new-function': [debianRoot],
};

/** `node scripts/tools/ensure.ts JOB` installs what the job lacks; setup.mjs calls it. Exit 1 with the remedy where that fails. */
// Programs are for every user of this machine, whatever the umask.
process.umask(0o022);
const [job = ''] = process.argv.slice(2);
const failures = (await Promise.allSettled((needs[job] ?? []).map((tool) => tool()))).filter((result) => result.status === 'rejected');
for (const { reason } of failures) process.stderr.write(`${reason instanceof Remedy ? reason.message : (reason as Error).stack}\n`);
process.exitCode = failures.length > 0 ? 1 : 0;
