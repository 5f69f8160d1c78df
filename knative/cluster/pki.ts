import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../scripts/tools/install.ts';
import { apiServer, apiServiceAddress, node, stateFolder } from './state.ts';

export const pkiFolder = (): string => join(stateFolder(), 'pki');
export const pki = (file: string): string => join(pkiFolder(), file);

const remedy = 'openssl 1.1.1 or later makes the cluster’s certificates: apt-get install openssl';
const openssl = (...args: string[]) => run(['openssl', ...args], remedy);
/** The cluster lives as long as it is up; `down` and `up` make new ones. */
const days = '3650';

/** Three authorities, so that a certificate for one door opens no other: the API, etcd, and the API server as others' front proxy. */
const authorities = ['ca', 'etcd-ca', 'front-proxy-ca'] as const;

interface Certificate {
  readonly name: string;
  /** As openssl writes it; Kubernetes takes O for the group and CN for the user. */
  readonly subject: string;
  readonly authority: (typeof authorities)[number];
  /** Of the server's certificate; a client's has none. */
  readonly hosts?: readonly string[];
}

const local = ['IP:127.0.0.1', `IP:${node.address}`, 'DNS:localhost'];
const apiNames = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'];
const certificates: readonly Certificate[] = [
  {
    name: 'apiserver',
    subject: '/CN=kube-apiserver',
    authority: 'ca',
    hosts: [...local, `IP:${apiServiceAddress}`, ...apiNames.map((name) => `DNS:${name}`)],
  },
  { name: 'kubelet-server', subject: `/CN=${node.name}`, authority: 'ca', hosts: [...local, `DNS:${node.name}`] },
  { name: 'apiserver-kubelet-client', subject: '/O=system:masters/CN=kube-apiserver-kubelet-client', authority: 'ca' },
  { name: 'admin', subject: '/O=system:masters/CN=admin', authority: 'ca' },
  { name: 'controller-manager', subject: '/CN=system:kube-controller-manager', authority: 'ca' },
  { name: 'scheduler', subject: '/CN=system:kube-scheduler', authority: 'ca' },
  { name: 'proxy', subject: '/CN=system:kube-proxy', authority: 'ca' },
  { name: 'kubelet', subject: `/O=system:nodes/CN=system:node:${node.name}`, authority: 'ca' },
  { name: 'front-proxy-client', subject: '/CN=front-proxy-client', authority: 'front-proxy-ca' },
  { name: 'etcd', subject: '/CN=etcd', authority: 'etcd-ca', hosts: local },
  { name: 'etcd-client', subject: '/CN=kube-apiserver', authority: 'etcd-ca' },
];
/** Who gets a kubeconfig, by the name of its certificate. */
const users = ['admin', 'controller-manager', 'scheduler', 'proxy', 'kubelet'];

/** Authorities, certificates and kubeconfigs in <state>/pki, readable by root alone. Whole or not there: half-made ones are made anew. */
export async function ensurePki(): Promise<void> {
  const folder = pkiFolder();
  if (existsSync(folder)) return;
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true, mode: 0o700 });
  await Promise.all(authorities.map((name) => makeAuthority(part, name)));
  await Promise.all(certificates.map((certificate) => makeCertificate(part, certificate)));
  const key = join(part, 'service-accounts.key');
  await openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key);
  await openssl('ec', '-in', key, '-pubout', '-out', join(part, 'service-accounts.pub'));
  for (const user of users) writeFileSync(join(part, `${user}.kubeconfig`), kubeconfigOf(user), { mode: 0o600 });
  renameSync(part, folder);
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

async function makeAuthority(folder: string, name: string): Promise<void> {
  const files = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`)];
  const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,digitalSignature,cRLSign'];
  const subject = `/CN=record-platform ${name}`;
  await openssl('req', '-x509', ...newKey, '-subj', subject, '-days', days, ...files, ...extensions.flatMap((text) => ['-addext', text]));
}

async function makeCertificate(folder: string, { name, subject, authority, hosts }: Certificate): Promise<void> {
  const at = (ending: string) => join(folder, `${name}.${ending}`);
  await openssl('req', '-new', ...newKey, '-subj', subject, '-keyout', at('key'), '-out', at('csr'));
  // etcd is its own peer, so it's a client of itself.
  const usage = hosts === undefined ? 'clientAuth' : 'serverAuth,clientAuth';
  const lines = ['keyUsage=critical,digitalSignature', `extendedKeyUsage=${usage}`];
  if (hosts) lines.push(`subjectAltName=${hosts.join(',')}`);
  writeFileSync(at('ext'), `${lines.join('\n')}\n`);
  const signer = ['-CA', join(folder, `${authority}.crt`), '-CAkey', join(folder, `${authority}.key`)];
  // A serial number of its own for each: they are made at the same time.
  const serial = ['-set_serial', `0x${crypto.randomUUID().replaceAll('-', '')}`];
  await openssl('x509', '-req', '-in', at('csr'), ...signer, ...serial, '-days', days, '-extfile', at('ext'), '-out', at('crt'));
  for (const ending of ['csr', 'ext']) rmSync(at(ending));
}

/** JSON is YAML, too. Paths are those of the finished folder. */
const kubeconfigOf = (user: string): string =>
  `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'record-platform', cluster: { server: apiServer, 'certificate-authority': pki('ca.crt') } }],
      users: [{ name: user, user: { 'client-certificate': pki(`${user}.crt`), 'client-key': pki(`${user}.key`) } }],
      contexts: [{ name: 'record-platform', context: { cluster: 'record-platform', user } }],
      'current-context': 'record-platform',
    },
    null,
    2,
  )}\n`;
