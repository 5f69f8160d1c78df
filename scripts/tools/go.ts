import { join } from 'node:path';
import { installed, run } from './install.ts';

/** grpcurl 1.9.3: gRPC from the command line. Tests only. RECORD_PLATFORM_GRPCURL names another. @throws Remedy */
export const grpcurl = (): Promise<string> => goProgram('grpcurl', 'github.com/fullstorydev/grpcurl/cmd/grpcurl', 'v1.9.3');

/** h2spec 2.2.1: the cases of RFC 9113 and 7541. Tests only. ("+incompatible": it is older than Go modules.) RECORD_PLATFORM_H2SPEC names another. @throws Remedy */
export const h2spec = (): Promise<string> => goProgram('h2spec', 'github.com/summerwind/h2spec/cmd/h2spec', 'v2.2.1+incompatible');

/** kustomize 5.7: base and overlays to manifests, as `kubectl kustomize` does it. Tests only. RECORD_PLATFORM_KUSTOMIZE names another. @throws Remedy */
export const kustomize = (): Promise<string> => goProgram('kustomize', 'sigs.k8s.io/kustomize/kustomize/v5', 'v5.7.1');

/** kubeconform 0.8: manifests against schemas. Tests only. RECORD_PLATFORM_KUBECONFORM names another. @throws Remedy */
export const kubeconform = (): Promise<string> => goProgram('kubeconform', 'github.com/yannh/kubeconform/cmd/kubeconform', 'v0.8.0');

/** kube-score 1.20: what experience says against manifests. Tests only. RECORD_PLATFORM_KUBE_SCORE names another. @throws Remedy */
export const kubeScore = (): Promise<string> => goProgram('kube-score', 'github.com/zegl/kube-score/cmd/kube-score', 'v1.20.0');

async function goProgram(name: string, module: string, version: string): Promise<string> {
  const variable = `RECORD_PLATFORM_${name.toUpperCase().replaceAll('-', '_')}`;
  const own = process.env[variable];
  if (own) return own;
  const folder = await installed(
    `${name}-${version.replace(/^v|\+.*/g, '')}`,
    `${name} ${version} (Go module, built here)`,
    async (into) => {
      const env = { ...process.env, GOBIN: into, GOFLAGS: '-trimpath -buildvcs=false' };
      // Outside of any module; the version and Go's checksum database say what is built.
      await run(['go', 'install', `${module}@${version}`], `Install Go 1.24 or later, or name a ${name} in ${variable}.`, {
        cwd: into,
        env,
      });
    },
  );
  return join(folder, name);
}
