import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

/** An object of Kubernetes, as far as this project looks into it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    generation?: number;
  };
  // biome-ignore lint/suspicious/noExplicitAny: each kind has its own
  spec?: any;
  // biome-ignore lint/suspicious/noExplicitAny: each kind has its own
  [field: string]: any;
}

/** The folders of knative/overlays. */
export const overlays = ['local', 'production'] as const;
export type Overlay = (typeof overlays)[number];

/**
 * Builds an overlay.
 * @param kustomize argv of what builds it: ["kubectl", "kustomize"] or ["kustomize", "build"]
 * @throws Error with what it said
 */
export async function renderOverlay(kustomize: readonly string[], overlay: Overlay): Promise<Manifest[]> {
  const [program = '', ...args] = kustomize;
  const folder = join(import.meta.dirname, '../overlays', overlay);
  const { stdout } = await promisify(execFile)(program, [...args, folder], { maxBuffer: 64 * 1024 * 1024 });
  return readManifests(stdout);
}

/** Every document of a YAML text that isn't empty. @throws Error where it is no YAML */
export function readManifests(text: string): Manifest[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const value = document.toJS() as Manifest | null;
    return value === null ? [] : [value];
  });
}

/** A function's Knative Service. */
export const isFunction = ({ apiVersion, kind }: Manifest): boolean => apiVersion === 'serving.knative.dev/v1' && kind === 'Service';

/** The pod that an object makes, if it makes one. */
// biome-ignore lint/suspicious/noExplicitAny: a pod's spec
export const podOf = ({ spec }: Manifest): any | undefined => (spec?.template?.spec?.containers ? spec.template.spec : undefined);
