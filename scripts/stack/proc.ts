import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Whether a process with this pid is there (and is no zombie). */
export function isRunning(pid: number): boolean {
  const state = stat(pid)?.[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** When a process started, in clock ticks since boot: with the pid it names one process for good. Undefined when it is gone. */
export const startTicks = (pid: number): string | undefined => stat(pid)?.[19];

/** The program and arguments of a process, "" when it is gone or not ours to see. */
export function commandLine(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

/** Fields of /proc/PID/stat from the state on; the name before it may hold anything, even brackets. */
function stat(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/**
 * Who listens on a port of this machine.
 * @returns undefined when nobody does; pid is undefined when the owner belongs to another user
 */
export function portOwner(port: number, protocol: 'tcp' | 'udp' = 'tcp'): { pid: number | undefined; command: string } | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const table of [protocol, `${protocol}6`]) {
    for (const line of read(`/proc/net/${table}`).split('\n').slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      // 0A is LISTEN; an unconnected UDP socket shows 07.
      if (inode && local?.endsWith(`:${hex}`) && state === (protocol === 'tcp' ? '0A' : '07')) inodes.add(`socket:[${inode}]`);
    }
  }
  if (inodes.size === 0) return undefined;
  for (const entry of readdirSync('/proc')) {
    if (/^\d+$/.test(entry) && holdsSocket(entry, inodes)) return { pid: Number(entry), command: commandLine(Number(entry)) };
  }
  return { pid: undefined, command: '' };
}

function holdsSocket(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => {
      try {
        return inodes.has(readlinkSync(`/proc/${pid}/fd/${descriptor}`));
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
