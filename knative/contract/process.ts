import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What the kernel knows of a process in a container, read from outside: the image has nothing to ask with. */
export interface ProcessFacts {
  /** Real, effective, saved and file system user. */
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  /** Capabilities that it has, and that it could ever get; both 0 where there are none. */
  readonly capabilities: { readonly effective: bigint; readonly bounding: bigint };
  /** Whether a setuid program could give it more. */
  readonly canGainPrivileges: boolean;
  /** 0 none, 1 strict, 2 a filter, as RuntimeDefault is. */
  readonly seccomp: number;
  /** What its standard input is: "/dev/null". */
  readonly stdin: string;
  readonly rootIsReadOnly: boolean;
  /** Mount points that it may write to, but those of the kernel's own (/proc, /dev, /sys). */
  readonly writable: readonly string[];
  readonly mounts: readonly string[];
}

export function processFacts(pid: number): ProcessFacts {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  const numbers = (name: string): number[] => field(name).split(/\s+/).map(Number);
  const mounts = readFileSync(`/proc/${pid}/mounts`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([, path = '', , options = '']) => ({ path, readOnly: options.split(',').includes('ro') }));
  return {
    uids: numbers('Uid'),
    gids: numbers('Gid'),
    capabilities: { effective: BigInt(`0x${field('CapEff')}`), bounding: BigInt(`0x${field('CapBnd')}`) },
    canGainPrivileges: field('NoNewPrivs') !== '1',
    seccomp: Number(field('Seccomp')),
    stdin: readlinkSync(`/proc/${pid}/fd/0`),
    // The last one mounted at a place is the one that counts.
    rootIsReadOnly: mounts.filter(({ path }) => path === '/').at(-1)?.readOnly === true,
    writable: mounts
      .filter(({ path, readOnly }) => !readOnly && path !== '/' && !/^\/(proc|dev|sys)(\/|$)/.test(path))
      .map(({ path }) => path),
    mounts: mounts.map(({ path }) => path),
  };
}

/** The TCP ports at which a process listens, in its own network: "0.0.0.0:8080" is { address: "00000000", port: 8080 }. */
export function listeners(pid: number): { readonly address: string; readonly port: number }[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1] ?? [];
      } catch {
        return []; // closed meanwhile
      }
    }),
  );
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && inodes.has(inode ?? ''))
      .map(([, local = '']) => ({ address: local.split(':')[0] ?? '', port: Number.parseInt(local.split(':')[1] ?? '', 16) })),
  );
}
