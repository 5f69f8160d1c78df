import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { umoci } from '../../scripts/tools/debian.ts';
import { run } from '../../scripts/tools/install.ts';
import type { Image } from './build-images.ts';

/** An image as a container runtime would have it: a folder with its files, and what to run. */
export interface Unpacked {
  readonly rootfs: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly uid: number;
}

/** Unpacks an image with umoci, which has not been told how it was made. */
export async function unpack({ layout, reference }: Pick<Image, 'layout' | 'reference'>, folder: string): Promise<Unpacked> {
  const rootless = process.getuid?.() === 0 ? [] : ['--rootless'];
  await run([...(await umoci()), 'unpack', ...rootless, '--image', `${layout}:${reference}`, folder], 'Build the image again.');
  const { process: first } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as {
    process: { args: string[]; env: string[]; cwd: string; user: { uid: number } };
  };
  return { rootfs: join(folder, 'rootfs'), args: first.args, env: first.env, cwd: first.cwd, uid: first.user.uid };
}

export interface ContainerOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Folders and files of this machine, by their path in the image. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** Any other than the image's. */
  readonly uid?: number;
  /** Folders in memory: "tmp". */
  readonly inMemory?: readonly string[];
  /** Instead of the image's own. */
  readonly args?: readonly string[];
}

export interface Container {
  /** Its first process, as this machine sees it. */
  readonly pid: number;
  /** What it has written so far. */
  readonly output: () => string;
  readonly exited: Promise<number | string>;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
}

/**
 * What a container runtime does, as far as it matters here: own mounts and processes, a read-only root, and another user. Its programs are
 * util-linux's and found by the image's own PATH, which holds /usr/bin.
 */
const script = `
set -e
root=$1 uid=$2 cwd=$3; shift 3
mount --bind "$root" "$root"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero random urandom; do : > "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
mkdir -m 1777 "$root/dev/shm"
mount -t proc proc "$root/proc"
while [ "$1" != -- ]; do
  if [ "$1" = memory ]; then mount -t tmpfs -o mode=1777 tmpfs "$root/$2"; else mount --bind "$1" "$root/$2"; fi
  shift 2
done
shift
mount -o remount,bind,ro "$root"
if [ "$uid" = - ]; then exec unshare --root="$root" --wd="$cwd" -- "$@"; fi
exec unshare --root="$root" --wd="$cwd" --setgid="$uid" --setuid="$uid" -- "$@"
`;

/** Starts an unpacked image. It has this machine's network. As root it runs as its user or `uid`; otherwise as who runs this. */
export async function start({ rootfs, args, env, cwd, uid }: Unpacked, options: ContainerOptions = {}): Promise<Container> {
  const root = process.getuid?.() === 0;
  const mounts = [
    ...Object.entries(options.mounts ?? {}).flatMap(([path, from]) => [from, path]),
    ...(options.inMemory ?? []).flatMap((path) => ['memory', path]),
  ];
  const flags = ['--mount', '--pid', '--fork', '--kill-child', ...(root ? [] : ['--map-root-user'])];
  const inside = [rootfs, root ? String(options.uid ?? uid) : '-', cwd, ...mounts, '--', ...(options.args ?? args)];
  const child = spawn('/usr/bin/unshare', [...flags, '/bin/sh', '-c', script, 'sh', ...inside], {
    env: { ...Object.fromEntries(env.map((one) => one.split(/=(.*)/s).slice(0, 2))), ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  const exited = once(child, 'close').then(([code, signal]) => code ?? signal);
  const pid = await firstProcess(child.pid as number);
  const stop = (signal: NodeJS.Signals = 'SIGTERM') => {
    // Not to unshare, which takes no notice: its child is the container's first process.
    if (child.exitCode === null && pid > 0) process.kill(pid, signal);
    return exited;
  };
  return { pid, output: () => output, exited, stop };
}

/** The child of unshare. 0 where it ended before it could be seen. */
async function firstProcess(parent: number): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      const [pid] = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ');
      if (pid) return Number(pid);
    } catch {
      return 0;
    }
    await sleep(5);
  }
  return 0;
}

/** Waits until something is so. @throws Error with what the container wrote, where it isn't within `seconds` */
export async function until(what: () => Promise<boolean>, container: Container, seconds = 20): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(20)) if (await what().catch(() => false)) return;
  throw new Error(`it did not come to be within ${seconds} s:\n${container.output().slice(-2000)}`);
}
