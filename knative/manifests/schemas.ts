import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { installed, run } from '../../scripts/tools/install.ts';

/** A JSON schema, or a part of one, as OpenAPI 3 has it. */
interface Schema {
  type?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  allOf?: Schema[];
  additionalProperties?: Schema | boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-group-version-kind'?: readonly { group: string; version: string; kind: string }[];
}

const modules = join(import.meta.dirname, '../cluster/modules');
const remedy = 'Schemas come from the Go modules that the cluster is built of: install Go 1.25 or later (go.dev/dl), with a network once.';

/**
 * A folder of JSON schemas for kubeconform, made from the very versions that the cluster runs: Kubernetes's own OpenAPI documents and
 * Serving's CustomResourceDefinitions. They are strict: a field that isn't declared is a fault.
 * @returns what kubeconform's -schema-location takes
 * @throws Remedy
 */
export async function manifestSchemas(): Promise<string> {
  const [kubernetes, serving] = [pinned('kubernetes', 'k8s.io/kubernetes'), pinned('serving', 'knative.dev/serving')];
  const name = `manifest-schemas-${kubernetes.version}-${serving.version}`;
  const folder = await installed(
    name,
    `schemas of Kubernetes ${kubernetes.version} and Serving ${serving.version} (Go modules)`,
    async (into) => {
      const documents = join(await moduleFolder(kubernetes), 'api/openapi-spec/v3');
      for (const file of globSync('{api__v1,apis__{apps,batch,policy,*.k8s.io}__v1}_openapi.json', { cwd: documents }))
        writeKinds(into, JSON.parse(readFileSync(join(documents, file), 'utf8')).components.schemas);
      const definitions = join(await moduleFolder(serving), 'config/core/300-resources');
      for (const file of globSync('*.yaml', { cwd: definitions }))
        writeDefinition(into, parse(readFileSync(join(definitions, file), 'utf8')));
    },
  );
  return `${folder}/{{.ResourceKind}}{{.KindSuffix}}.json`;
}

/** A module of the cluster, in the version that its go.mod pins. */
function pinned(group: string, module: string): { group: string; module: string; version: string } {
  const text = readFileSync(join(modules, group, 'go.mod'), 'utf8');
  const version = new RegExp(`^\\s*(?:require )?${module.replaceAll('.', '\\.')} (v\\S+)`, 'm').exec(text)?.[1];
  if (version === undefined) throw new Error(`knative/cluster/modules/${group}/go.mod requires no ${module}`);
  return { group, module, version };
}

async function moduleFolder({ group, module }: { group: string; module: string }): Promise<string> {
  // Go checks it against go.sum.
  return (JSON.parse(await run(['go', 'mod', 'download', '-json', module], remedy, { cwd: join(modules, group) })) as { Dir: string }).Dir;
}

/** kubeconform's name for a kind: "deployment-apps-v1.json", "networkpolicy-networking-v1.json", "pod-v1.json". */
const fileName = (kind: string, group: string, version: string): string =>
  `${[kind.toLowerCase(), group.split('.')[0], version].filter((part) => part !== '').join('-')}.json`;

/** One file for each kind of an OpenAPI document; the parts that kinds share stay together in each. */
function writeKinds(into: string, schemas: Record<string, Schema>): void {
  for (const schema of Object.values(schemas)) close(schema);
  for (const [name, schema] of Object.entries(schemas)) {
    const [only, ...others] = schema['x-kubernetes-group-version-kind'] ?? [];
    if (only === undefined || others.length > 0) continue;
    const file = { $ref: `#/components/schemas/${name}`, components: { schemas } };
    writeFileSync(join(into, fileName(only.kind, only.group, only.version)), JSON.stringify(file));
  }
}

interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[];
  };
}

function writeDefinition(into: string, { spec }: Definition): void {
  mkdirSync(into, { recursive: true });
  for (const { name, schema } of spec.versions) {
    const { openAPIV3Schema } = schema;
    // Kubernetes knows these by itself, and definitions don't repeat them.
    openAPIV3Schema.properties = { ...openAPIV3Schema.properties, apiVersion: { type: 'string' }, kind: { type: 'string' } };
    close(openAPIV3Schema);
    writeFileSync(join(into, fileName(spec.names.kind, spec.group, name)), JSON.stringify(openAPIV3Schema));
  }
}

/** Objects whose properties are declared have no others. */
function close(schema: Schema): void {
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties !== undefined;
  if (schema.properties !== undefined && !open) schema.additionalProperties = false;
  const inner = typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : [];
  for (const part of [
    ...Object.values(schema.properties ?? {}),
    ...(schema.items ? [schema.items] : []),
    ...(schema.allOf ?? []),
    ...inner,
  ])
    close(part);
}
