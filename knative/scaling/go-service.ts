import type { Kubectl } from '../../scripts/deploy/kubectl.ts';
import { clusterImages } from '../cluster/images.ts';
import { loadImage } from '../cluster/load-image.ts';
import { progress } from '../cluster/progress.ts';
import { type Manifest, podOf } from '../manifests/render.ts';
import { functionsNamespace } from '../manifests/service.ts';

export const goServiceName = 'go-hello';

/**
 * Knative's own test program in Go, declared as a function is: same scale, resources, probes, identity and security. It differs by its
 * image, and by the variables that it has no use for.
 * @param like a function's manifest as it was deployed
 */
export function goService(like: Manifest, image: string): Manifest {
  const manifest = structuredClone(like);
  manifest.metadata.name = goServiceName;
  const template = manifest.spec.template.metadata;
  for (const labels of [manifest.metadata.labels, template.labels]) labels['app.kubernetes.io/name'] = goServiceName;
  const [container] = podOf(manifest).containers;
  container.image = image;
  container.env = [];
  return manifest;
}

/** Brings it to the cluster and waits until it is ready. @returns what takes it away again */
export async function deployGoService(kubectl: Kubectl, like: Manifest): Promise<() => Promise<void>> {
  const image = (await clusterImages(progress())).find(({ name }) => name === 'helloworld');
  if (image === undefined) throw new Error('the cluster has no image helloworld');
  await loadImage(image.layout, image.reference);
  await kubectl.apply([goService(like, image.reference)]);
  const inNamespace = ['-n', functionsNamespace];
  await kubectl.run([...inNamespace, 'wait', `ksvc/${goServiceName}`, '--for=condition=Ready', '--timeout=120s']);
  return async () => void (await kubectl.run([...inNamespace, 'delete', 'ksvc', goServiceName, '--ignore-not-found']));
}
