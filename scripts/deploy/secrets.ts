import { randomBytes } from 'node:crypto';
import type { Manifest, Overlay } from '../../knative/manifests/render.ts';
import { functionsNamespace, secretName } from '../../knative/manifests/service.ts';
import { scramMatches, scramVerifier } from '../db/scram.ts';
import { databaseName } from '../stack/state.ts';
import { Remedy } from '../tools/install.ts';
import { makeRoot } from './edge-root.ts';
import type { Kubectl } from './kubectl.ts';

export const dataNamespace = 'record-platform-data';
export const edgeNamespace = 'record-platform-edge';

const bouncer = `pgbouncer.${dataNamespace}.svc.cluster.local:6432`;
const server = `postgres.${dataNamespace}.svc.cluster.local:5432`;

/** Who comes through PgBouncer, which knows them by their verifiers. */
const functionRoles = ['auth_app', 'record_app'] as const;
const verifierVariable = (role: string): string => `${role.toUpperCase()}_VERIFIER`;

type Values = Readonly<Record<string, string>>;

/** The Secrets that a deploy knows, as they are in the cluster; undefined where there is none. */
export interface PlatformSecrets {
  readonly auth: Values | undefined;
  readonly records: Values | undefined;
  readonly postgres: Values | undefined;
  readonly pgbouncer: Values | undefined;
  readonly migrate: Values | undefined;
  readonly edge: Values | undefined;
}

const places: Readonly<Record<keyof PlatformSecrets, { name: string; namespace: string; type?: string }>> = {
  auth: { name: secretName('auth'), namespace: functionsNamespace },
  records: { name: secretName('records'), namespace: functionsNamespace },
  postgres: { name: 'postgres-superuser', namespace: dataNamespace },
  pgbouncer: { name: 'pgbouncer-users', namespace: dataNamespace },
  migrate: { name: 'migrate', namespace: dataNamespace },
  edge: { name: 'edge-root', namespace: edgeNamespace, type: 'kubernetes.io/tls' },
};

/** "record-platform/auth-secrets" … */
export const secretPlaces = Object.values(places).map(({ name, namespace }) => `${namespace}/${name}`);

export async function readSecrets(kubectl: Kubectl): Promise<PlatformSecrets> {
  const read = async ({ name, namespace }: { name: string; namespace: string }): Promise<Values | undefined> => {
    const secret = await kubectl.get('secret', name, namespace);
    return secret && decoded(secret.data ?? {});
  };
  const entries = await Promise.all(Object.entries(places).map(async ([key, place]) => [key, await read(place)] as const));
  return Object.fromEntries(entries) as unknown as PlatformSecrets;
}

/**
 * What the Secrets should hold: what is there stays, what is missing is made (256 random bits each), and what follows from another
 * follows. So deleting one and deploying again makes that one anew, in all the places that know it.
 * @returns the Secrets that must be applied; none where everything is there
 * @throws Remedy where only the cluster's owner can know it: the superuser of a PostgreSQL that is elsewhere
 */
export async function missingSecrets(present: PlatformSecrets, overlay: Overlay): Promise<Manifest[]> {
  const made = () => randomBytes(32).toString('base64');
  const superuser = superuserOf(present, overlay);
  const passwords = {
    record_migrator: passwordOf(present.migrate?.DATABASE_URL) ?? made(),
    auth_app: passwordOf(present.auth?.DATABASE_URL) ?? made(),
    record_app: passwordOf(present.records?.DATABASE_URL) ?? made(),
  };
  const verifiers = Object.fromEntries(
    functionRoles.map((role) => {
      // With the verifier that PostgreSQL has, PgBouncer can log in there; another of the same password would do as little as a wrong one.
      const before = present.migrate?.[verifierVariable(role)] ?? null;
      return [role, scramMatches(before, passwords[role]) ? (before as string) : scramVerifier(passwords[role])];
    }),
  ) as Record<(typeof functionRoles)[number], string>;
  const throughBouncer = (role: (typeof functionRoles)[number]) => urlOf(role, passwords[role], bouncer, databaseName);
  const direct = new URL(superuser);
  const keyEncryptionKey = present.auth?.KEY_ENCRYPTION_KEY ?? present.migrate?.KEY_ENCRYPTION_KEY ?? made();
  const wanted: Record<keyof PlatformSecrets, Values | undefined> = {
    auth: {
      DATABASE_URL: throughBouncer('auth_app'),
      KEY_ENCRYPTION_KEY: keyEncryptionKey,
      REFRESH_TOKEN_KEY: present.auth?.REFRESH_TOKEN_KEY ?? made(),
    },
    records: { DATABASE_URL: throughBouncer('record_app'), PAGE_TOKEN_KEY: present.records?.PAGE_TOKEN_KEY ?? made() },
    postgres: overlay === 'local' ? { password: decodeURIComponent(direct.password) } : undefined,
    pgbouncer: {
      ...present.pgbouncer,
      'userlist.txt': functionRoles.map((role) => `"${role}" "${verifiers[role]}"\n`).join(''),
    },
    migrate: {
      ADMIN_DATABASE_URL: superuser,
      DATABASE_URL: urlOf('record_migrator', passwords.record_migrator, direct.host, direct.pathname.slice(1)),
      ...Object.fromEntries(functionRoles.map((role) => [verifierVariable(role), verifiers[role]])),
      KEY_ENCRYPTION_KEY: keyEncryptionKey,
    },
    // A name and a certificate of its own stand in for the root elsewhere.
    edge: overlay === 'local' ? (present.edge ?? (await rootValues())) : undefined,
  };
  return Object.entries(wanted).flatMap(([key, values]) => {
    if (values === undefined || equal(values, present[key as keyof PlatformSecrets])) return [];
    const { name, namespace, type = 'Opaque' } = places[key as keyof PlatformSecrets];
    const metadata = { name, namespace, labels: { 'app.kubernetes.io/part-of': 'record-platform' } };
    return [{ apiVersion: 'v1', kind: 'Secret', metadata, type, data: encoded(values) }];
  });
}

/** What one of the Secrets holds, if it is among them. */
export function valuesOf(secrets: readonly Manifest[], name: string): Values | undefined {
  const secret = secrets.find(({ metadata }) => metadata.name === name);
  return secret && decoded(secret.data);
}

const decoded = (data: Values): Values =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));

const encoded = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));

async function rootValues(): Promise<Values> {
  const { certificate, key } = await makeRoot();
  return { 'tls.crt': certificate, 'tls.key': key };
}

function superuserOf({ migrate, postgres }: PlatformSecrets, overlay: Overlay): string {
  if (overlay === 'local') return urlOf('postgres', postgres?.password ?? randomBytes(32).toString('base64'), server, databaseName);
  if (migrate?.ADMIN_DATABASE_URL) return migrate.ADMIN_DATABASE_URL;
  throw new Remedy(
    `The overlay ${overlay} has its PostgreSQL elsewhere, and nobody has said how migrations reach it.\n` +
      `kubectl create namespace ${dataNamespace}; kubectl -n ${dataNamespace} create secret generic migrate --from-literal=ADMIN_DATABASE_URL=postgres://…`,
  );
}

const urlOf = (role: string, password: string, host: string, database: string): string =>
  `postgres://${role}:${encodeURIComponent(password)}@${host}/${database}`;

const passwordOf = (url: string | undefined): string | undefined =>
  url === undefined ? undefined : decodeURIComponent(new URL(url).password);

const equal = (a: Values, b: Values | undefined): boolean =>
  b !== undefined && Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value);
