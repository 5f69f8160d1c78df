import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installed, Remedy, run } from './install.ts';

const suite = 'trixie';
const packages = ['pgbouncer', 'postgresql-client-17', 'curl', 'pgbackrest'];
/** What images are made of and tested with; one root more, so that `npm start` needs none of it. PostgreSQL's contrib is in its package. */
const imagePackages = [
  'postgresql-17',
  'pgbouncer',
  'libatomic1',
  'libstdc++6',
  'libc-bin',
  'tzdata',
  'dash',
  'skopeo',
  'umoci',
  'docker-registry',
];
/** Another name where the packages are others: a root that is there is never changed. */
export const rootName = 'debian-13-with-pgbackrest';
const remedy =
  'This needs apt-get and dpkg-deb (Debian or a relative). Name a deb822 file with a Debian 13 source in RECORD_PLATFORM_DEBIAN_SOURCES,\n' +
  `or an unpacked Debian 13 root that holds ${packages.join(', ')} in RECORD_PLATFORM_DEBIAN_ROOT\n` +
  `(for images: one with ${imagePackages.join(', ')}, in RECORD_PLATFORM_DEBIAN_IMAGE_ROOT).`;

/** PgBouncer 1.24 (prepared statements in transaction pooling): argv to put before its arguments. Not to be run as root, it refuses. */
export const pgbouncer = (): Promise<string[]> => debianProgram('usr/sbin/pgbouncer');
/** The server that the local cluster's image has: npm's is compiled for its size (-Os), this one for speed. */
export const postgresServer = (): Promise<string[]> => debianProgram('usr/lib/postgresql/17/bin/postgres', debianImageRoot);
export const psql = (): Promise<string[]> => debianProgram('usr/lib/postgresql/17/bin/psql');
export const pgDump = (): Promise<string[]> => debianProgram('usr/lib/postgresql/17/bin/pg_dump');
export const pgRestore = (): Promise<string[]> => debianProgram('usr/lib/postgresql/17/bin/pg_restore');
/** pgBackRest 2.55: base backups and the archive of the write-ahead log. Not to be run as root, what it writes would be root's. */
export const pgbackrest = (): Promise<string[]> => debianProgram('usr/bin/pgbackrest');
/** curl 8.14, which speaks HTTP/1.1, 2 and 3. */
export const curlHttp3 = (): Promise<string[]> => debianProgram('usr/bin/curl');
/** pgbench 17, which comes with Debian's server. */
export const pgbench = (): Promise<string[]> => debianProgram('usr/lib/postgresql/17/bin/pgbench', debianImageRoot);
/** skopeo 1.18: looks at images, copies them, pushes them to a registry. */
export const skopeo = (): Promise<string[]> => debianProgram('usr/bin/skopeo', debianImageRoot);
/** Docker's registry 2.8, for tests: what is pushed goes to a real one. */
export const registry = (): Promise<string[]> => debianProgram('usr/bin/docker-registry', debianImageRoot);
/** umoci 0.4: unpacks images. */
export const umoci = (): Promise<string[]> => debianProgram('usr/bin/umoci', debianImageRoot);

/**
 * A program of the Debian 13 root, installed when it is missing.
 * @param path in the root, without a leading slash
 * @param inRoot the other root: `debianImageRoot`
 * @returns argv to put before the program's arguments: the root's own loader and libraries, so neither chroot nor root is needed
 * @throws Remedy
 */
export async function debianProgram(path: string, inRoot: () => Promise<string> = debianRoot): Promise<string[]> {
  const root = await inRoot();
  const program = join(root, path);
  if (!existsSync(program)) throw new Remedy(`${program} is missing.\nRemove ${root}, and it is installed again.`);
  const libraries = join(root, 'usr/lib/x86_64-linux-gnu');
  return [join(root, 'usr/lib64/ld-linux-x86-64.so.2'), '--library-path', libraries, '--argv0', program, program];
}

/**
 * The folder of a small Debian 13 root, unpacked into the cache without changing this system. Its package source is
 * this machine's own Debian source with the suite renamed, so mirrors, keys and proxies are the ones chosen here.
 * RECORD_PLATFORM_DEBIAN_ROOT names a root that is there already.
 * @throws Remedy
 */
export async function debianRoot(): Promise<string> {
  if (process.env.RECORD_PLATFORM_DEBIAN_ROOT) return process.env.RECORD_PLATFORM_DEBIAN_ROOT;
  return installed(rootName, `${packages.join(', ')} (Debian 13 packages, unpacked)`, (root) => unpack(root, packages));
}

/**
 * The folder of a second Debian 13 root, made in the same way: what images are made of, skopeo and umoci.
 * RECORD_PLATFORM_DEBIAN_IMAGE_ROOT names one that is there already.
 * @throws Remedy
 */
export async function debianImageRoot(): Promise<string> {
  const variable = 'RECORD_PLATFORM_DEBIAN_IMAGE_ROOT';
  const own = process.env[variable];
  if (own) return own;
  return installed('debian-13-images', `${imagePackages.join(', ')} (Debian 13 packages, unpacked)`, (root) => unpack(root, imagePackages));
}

async function unpack(root: string, wanted: readonly string[]): Promise<void> {
  const apt = join(root, 'apt');
  for (const folder of ['parts', 'preferences', 'lists/partial', 'cache/archives/partial'])
    mkdirSync(join(apt, folder), { recursive: true });
  writeFileSync(join(apt, 'status'), '');
  const [file, sources] = debianSources();
  writeFileSync(join(apt, 'parts', file), sources);
  const set = {
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::Etc::sourceparts': join(apt, 'parts'),
    'Dir::Etc::preferencesparts': join(apt, 'preferences'),
    'Dir::State': apt,
    'Dir::State::lists': join(apt, 'lists'),
    // Empty: every dependency is fetched, whatever this machine has.
    'Dir::State::status': join(apt, 'status'),
    'Dir::Cache': join(apt, 'cache'),
    'Dir::Log': apt,
    'APT::Install-Recommends': '0',
    'APT::Sandbox::User': '',
    'Debug::NoLocking': '1',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
  };
  const options = Object.entries(set).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  // apt keeps debconf's and dpkg's hooks out of this: nothing is configured, only fetched.
  await run(['apt-get', ...options, 'update', '-qq'], remedy);
  await run(['apt-get', ...options, 'install', '-y', '-qq', '--download-only', ...wanted], remedy);
  mkdirSync(join(root, 'usr'));
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(root, 'usr', name));
    symlinkSync(`usr/${name}`, join(root, name));
  }
  const archives = join(apt, 'cache/archives');
  for (const name of readdirSync(archives).filter((entry) => entry.endsWith('.deb'))) await unpackPackage(join(archives, name), root);
  rmSync(apt, { recursive: true });
}

/** dpkg-deb would replace the links bin → usr/bin by folders; tar keeps them. */
async function unpackPackage(archive: string, root: string): Promise<void> {
  const tar = `${root}/apt/package.tar`;
  await run(['sh', '-c', 'dpkg-deb --fsys-tarfile "$1" > "$2"', 'sh', archive, tar], remedy);
  const flags = [
    '--keep-directory-symlink',
    '--no-same-owner',
    '--no-same-permissions',
    '--exclude=./usr/share/doc',
    '--exclude=./usr/share/man',
  ];
  await run(['tar', '-x', '-f', tar, '-C', root, ...flags], remedy);
}

/** This machine's Debian sources with their suites renamed: file name (its ending tells apt the format) and content. */
function debianSources(): [file: string, content: string] {
  const named = process.env.RECORD_PLATFORM_DEBIAN_SOURCES;
  if (named) return ['named.sources', readFileSync(named, 'utf8')];
  const codename = /^VERSION_CODENAME=(\w+)/m.exec(existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '')?.[1];
  if (codename) {
    const ofSuite = new RegExp(`^Suites:.*\\b${codename}\\b`, 'm');
    const rename = (text: string) => text.replaceAll(new RegExp(`\\b${codename}\\b`, 'g'), suite);
    const stanzas = globSync('/etc/apt/sources.list.d/*.sources')
      .flatMap((file) => readFileSync(file, 'utf8').split(/\n\s*\n/))
      .filter((stanza) => ofSuite.test(stanza) && /debian/i.test(/^(?:#.*\n)*(?:.*\n)*?URIs:(.*)$/m.exec(stanza)?.[1] ?? ''));
    if (stanzas.length > 0) return ['debian.sources', `${stanzas.map(rename).join('\n\n')}\n`];
    const lines = ['/etc/apt/sources.list', ...globSync('/etc/apt/sources.list.d/*.list')]
      .filter((file) => existsSync(file))
      .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
      .filter((line) => new RegExp(`^deb\\s.*debian.*\\s${codename}(-security|-updates)?\\s`).test(line));
    if (lines.length > 0) return ['debian.list', `${lines.map(rename).join('\n')}\n`];
  }
  throw new Remedy(`This machine has no Debian package source to take packages from.\n${remedy}`);
}
