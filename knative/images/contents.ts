import { existsSync, globSync, lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { debianImageRoot } from '../../scripts/tools/debian.ts';
import { Remedy } from '../../scripts/tools/install.ts';
import { neededLibraries } from './elf.ts';
import type { Entry } from './tar.ts';

/** Whom everything runs as. Its name matters to initdb alone. */
export const user = '10001:10001';

/** Where Debian's loader looks for libraries by itself. */
const libraryFolder = 'usr/lib/x86_64-linux-gnu';
const loader = 'ld-linux-x86-64.so.2';

/** Who there is, where libraries are found, and the places that a runtime mounts things at: no layer has more to begin with. */
export const skeleton: readonly Entry[] = [
  { path: 'etc/passwd', mode: 0o644, content: 'root:x:0:0:root:/:/nologin\nrecord-platform:x:10001:10001:record-platform:/:/nologin\n' },
  { path: 'etc/group', mode: 0o644, content: 'root:x:0:\nrecord-platform:x:10001:\n' },
  { path: 'etc/nsswitch.conf', mode: 0o644, content: 'hosts: files dns\n' },
  { path: 'lib', mode: 0o777, link: 'usr/lib' },
  { path: 'lib64', mode: 0o777, link: 'usr/lib64' },
  ...['dev', 'proc', 'sys'].map((path): Entry => ({ path, mode: 0o755, directory: true })),
  { path: 'tmp', mode: 0o1777, directory: true },
];

/**
 * The shared libraries that programs need, and the loader, from the Debian 13 root.
 * @param programs paths on this machine: programs and libraries that are loaded while they run
 * @throws Remedy where one needs a library that the root lacks
 */
export async function librariesOf(programs: readonly string[]): Promise<Entry[]> {
  const root = await debianImageRoot();
  const libraries = new Map<string, string>();
  const waiting = [...programs];
  for (let program = waiting.pop(); program !== undefined; program = waiting.pop())
    for (const name of neededLibraries(program)) {
      if (libraries.has(name) || name === loader) continue;
      const path = join(root, libraryFolder, name);
      if (!existsSync(path))
        throw new Remedy(`${program} needs ${name}, which is not in ${root}.\nRemove that folder, and it is installed again.`);
      libraries.set(name, realpathSync(path));
      waiting.push(path);
    }
  return [
    { path: `usr/lib64/${loader}`, mode: 0o755, from: realpathSync(join(root, libraryFolder, loader)) },
    ...[...libraries].map(([name, from]) => ({ path: `${libraryFolder}/${name}`, mode: 0o644, from })),
  ];
}

/** A file, or a folder with all that is in it, at the same path as in the Debian 13 root. Links become what they lead to. */
export async function fromDebian(path: string, wanted: (path: string) => boolean = () => true): Promise<Entry[]> {
  const root = await debianImageRoot();
  return tree(join(root, path), path, wanted);
}

/** A file, or a folder with all that is in it. What its owner may run everybody may run; nothing is setuid. */
export function tree(from: string, path: string, wanted: (path: string) => boolean = () => true): Entry[] {
  const real = realpathSync(from);
  const status = lstatSync(real);
  if (!status.isDirectory()) return wanted(path) ? [{ path, mode: status.mode & 0o100 ? 0o755 : 0o644, from: real }] : [];
  return readdirSync(real)
    .sort()
    .flatMap((name) => tree(join(from, name), `${path}/${name}`, wanted));
}

/**
 * Node and what it needs: the lowest layer of every image that runs JavaScript. The Node is the one that runs this, since V8 takes
 * compiled code from its own build only.
 */
export async function nodeLayer(): Promise<Entry[]> {
  const project = join(import.meta.dirname, '../..');
  const addons = globSync(join(project, 'node_modules/@node-rs/bcrypt-linux-x64-gnu/*.node'));
  const node = realpathSync(process.execPath);
  return [...skeleton, ...(await librariesOf([node, ...addons])), { path: nodePath.slice(1), mode: 0o755, from: node }];
}

export const nodePath = '/usr/bin/node';

/** The folder of a bundle, as /app. */
export const bundleLayer = (name: string): Entry[] => tree(join(import.meta.dirname, '../../dist', name), 'app');

/** Text files of the project, at other paths than there. */
export const projectFile = (from: string, path: string, change: (text: string) => string = (text) => text): Entry => ({
  path,
  mode: 0o644,
  content: change(readFileSync(join(import.meta.dirname, '../..', from), 'utf8')),
});
