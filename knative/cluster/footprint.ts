import { readdirSync, readFileSync } from 'node:fs';
import { markedProcesses, programOf } from './daemon.ts';

/** What the cluster holds of this machine's memory: sums of resident sizes, in MB (10^6 bytes). */
export interface Footprint {
  /** Kubernetes' and containerd's own processes. */
  readonly controlPlaneMb: number;
  /** Those in pods: Knative, Kourier, CoreDNS, functions and what stands beside them. */
  readonly podsMb: number;
  readonly totalMb: number;
}

export function footprint(): Footprint {
  const marked = markedProcesses();
  const megabytes = (pids: readonly number[]): number => Math.round(pids.reduce((sum, pid) => sum + residentBytes(pid), 0) / 1e6);
  const controlPlaneMb = megabytes(marked);
  const podsMb = megabytes(containerProcesses());
  return { controlPlaneMb, podsMb, totalMb: controlPlaneMb + podsMb };
}

/** Pids of processes in containers: what the shims, which hold the containers, have started. */
export function containerProcesses(): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => [Number(pid), Number(field(Number(pid), 'PPid'))]),
  );
  const inside = new Set(shims());
  for (let before = -1; before !== inside.size; ) {
    before = inside.size;
    for (const [pid, parent] of parents) if (inside.has(parent)) inside.add(pid);
  }
  for (const shim of shims()) inside.delete(shim);
  return [...inside];
}

const shims = (): number[] => markedProcesses().filter((pid) => programOf(pid).startsWith('containerd-shim'));

const residentBytes = (pid: number): number => Number.parseInt(field(pid, 'VmRSS') || '0', 10) * 1024;

/** Of /proc/PID/status: "1234 kB", "" when the process is gone. */
function field(pid: number, name: string): string {
  try {
    return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}
