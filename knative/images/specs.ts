import { globSync } from 'node:fs';
import { join } from 'node:path';
import { functionEnvironment, functionFlags } from '../../scripts/build/function-process.ts';
import { caddy } from '../../scripts/tools/caddy.ts';
import { debianImageRoot } from '../../scripts/tools/debian.ts';
import { bundleLayer, fromDebian, librariesOf, nodeLayer, nodePath, projectFile, skeleton, tree, user } from './contents.ts';
import { bundleEntry } from './entry/bundle-entry.ts';
import type { ImageSpec } from './oci.ts';
import type { Entry } from './tar.ts';

/** What an image is, before its labels. */
export type Recipe = Omit<ImageSpec, 'labels'>;

const project = join(import.meta.dirname, '../..');
const environment = { PATH: '/usr/bin', TZ: 'UTC' };

/** Made once: layers that images share are the same object. */
let node: Promise<Entry[]> | undefined;
const sharedNode = (): Promise<Entry[]> => {
  node ??= nodeLayer();
  return node;
};

/** A function: Node below, its bundle with the compiled code above. Nothing is written anywhere; any uid will do. */
export async function functionImage(name: string): Promise<Recipe> {
  return {
    entrypoint: [nodePath, ...functionFlags, '/app/index.js'],
    user,
    env: { ...environment, ...functionEnvironment },
    workingDir: '/app',
    stopSignal: 'SIGTERM',
    layers: [await sharedNode(), bundleLayer(name)],
  };
}

/** The images beside the functions, by name. */
export const platformImages: Readonly<Record<string, () => Promise<Recipe>>> = {
  /** Brings the database up to date, and ends. knative/images/entry/migrate.ts says what it needs. */
  async migrate() {
    const sql = globSync('db/migrations/*.sql', { cwd: project });
    const app: Entry[] = [
      // In a folder as deep as the scripts' own, so that they find db/ at the same place.
      { path: 'app/scripts/db/migrate.mjs', mode: 0o644, content: await bundleEntry('migrate') },
      ...['db/bootstrap.sql', ...sql].map((file) => projectFile(file, `app/${file}`)),
    ];
    return {
      entrypoint: [nodePath, '/app/scripts/db/migrate.mjs'],
      user,
      env: environment,
      workingDir: '/app',
      stopSignal: 'SIGTERM',
      layers: [await sharedNode(), app],
    };
  },

  /** PostgreSQL 17 with contrib; Node makes its data at the first start and then gives its place to the server. */
  async postgres() {
    const root = await debianImageRoot();
    const home = 'usr/lib/postgresql/17';
    const programs = ['postgres', 'initdb', 'pg_isready'].map((name) => `${home}/bin/${name}`);
    // jit is off (db/postgres/postgresql.conf), and LLVM is larger than all the rest; sepgsql needs SELinux.
    const modules = globSync(`${home}/lib/*.so`, { cwd: root }).filter((file) => !/(llvmjit|sepgsql)\.so$/.test(file));
    const files = [
      ...programs,
      ...modules,
      'usr/lib/locale/C.utf8',
      // Debian's PostgreSQL has no time zones of its own.
      'usr/share/zoneinfo/UTC',
      'usr/share/zoneinfo/Etc/UTC',
    ];
    // initdb starts `postgres` by the shell, and so does archive_command.
    const shell: Entry[] = await fromDebian('usr/bin/dash');
    const share = await fromDebian('usr/share/postgresql/17', (path) => !/\/(man|contrib)\//.test(path));
    const below = await sharedNode();
    const inBase = new Set(below.map(({ path }) => path));
    const libraries = await librariesOf([...programs, ...modules, 'usr/bin/dash'].map((file) => join(root, file)));
    const layer: Entry[] = [
      ...(await Promise.all(files.map((file) => fromDebian(file)))).flat(),
      ...share,
      ...libraries.filter(({ path }) => !inBase.has(path)),
      ...shell,
      { path: 'bin', mode: 0o777, link: 'usr/bin' },
      { path: 'usr/bin/sh', mode: 0o777, link: 'dash' },
      { path: 'data', mode: 0o755, directory: true, owner: 10001 },
      { path: 'app/postgres.mjs', mode: 0o644, content: await bundleEntry('postgres') },
      projectFile('db/postgres/postgresql.conf', 'etc/postgresql/postgresql.conf'),
      {
        path: 'etc/postgresql/pg_hba.conf',
        mode: 0o644,
        content: 'local all all scram-sha-256\nhost all all all scram-sha-256\nhost replication all all scram-sha-256\n',
      },
    ];
    return {
      entrypoint: [nodePath, '/app/postgres.mjs'],
      user,
      env: { ...environment, PATH: `/${home}/bin:/usr/bin` },
      // Fast shutdown: open transactions are rolled back, everything committed is on disk.
      stopSignal: 'SIGINT',
      layers: [below, layer],
    };
  },

  /** PgBouncer 1.24. /etc/pgbouncer/local/databases.ini and /etc/pgbouncer/secret/userlist.txt are mounted. */
  async pgbouncer() {
    const root = await debianImageRoot();
    const program = 'usr/sbin/pgbouncer';
    const local = [
      'listen_addr = *',
      'listen_port = 6432',
      'unix_socket_dir =',
      'auth_file = /etc/pgbouncer/secret/userlist.txt',
      '',
      // [databases], and what a place wants otherwise. A later line wins, but a section that is begun twice forgets the first.
      '%include /etc/pgbouncer/local/databases.ini',
      '',
    ].join('\n');
    return {
      entrypoint: [`/${program}`, '/etc/pgbouncer/pgbouncer.ini'],
      user,
      env: environment,
      // No new clients, and it ends when those that are here have left by themselves: knative/base/pgbouncer.yaml gives them the time.
      stopSignal: 'SIGTERM',
      layers: [
        [...skeleton, ...(await librariesOf([join(root, program)])), ...(await fromDebian(program))],
        [
          projectFile('db/pgbouncer/pgbouncer.ini', 'etc/pgbouncer/pgbouncer.ini', (text) => text + local),
          ...['local', 'secret'].map((name): Entry => ({ path: `etc/pgbouncer/${name}`, mode: 0o755, directory: true })),
        ],
      ],
    };
  },

  /** The edge, with the contract's routes and pages. Where the functions are is said by environment (caddy/Caddyfile). */
  async caddy() {
    return {
      entrypoint: ['/usr/bin/caddy', 'run', '--adapter', 'caddyfile', '--config', '/etc/caddy/Caddyfile'],
      user,
      env: { ...environment, HOME: '/data', XDG_DATA_HOME: '/data', EDGE_STORAGE: '/data', EDGE_OPENAPI: '/srv', EDGE_BIND: '0.0.0.0' },
      workingDir: '/srv',
      stopSignal: 'SIGTERM',
      layers: [
        // Caddy is static: it needs no library.
        [
          ...skeleton.filter(({ link }) => link === undefined),
          { path: 'data', mode: 0o755, directory: true, owner: 10001 },
          ...tree(await caddy(), 'usr/bin/caddy'),
        ],
        [
          projectFile('caddy/Caddyfile', 'etc/caddy/Caddyfile'),
          projectFile('caddy/generated/routes.caddy', 'etc/caddy/generated/routes.caddy'),
          projectFile('proto/generated/openapi.json', 'srv/openapi.json'),
          projectFile('proto/generated/errors.html', 'srv/errors.html'),
        ],
      ],
    };
  },
};

/** Files of the project that an image beside the functions is made from: its revision is that of the last commit that changed one. */
export const platformSources: Readonly<Record<string, readonly string[]>> = {
  migrate: ['db/bootstrap.sql', 'db/migrations', 'scripts/db', 'scripts/keys', 'knative/images/entry', 'package-lock.json'],
  postgres: ['db/postgres', 'knative/images/entry', 'package-lock.json'],
  pgbouncer: ['db/pgbouncer', 'knative/images/specs.ts'],
  caddy: ['caddy/Caddyfile', 'caddy/generated', 'proto/generated/openapi.json', 'proto/generated/errors.html', 'scripts/tools/caddy.ts'],
};
