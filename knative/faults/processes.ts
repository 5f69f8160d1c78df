import { readdirSync, readFileSync } from 'node:fs';

/**
 * The processes of a container, as this machine sees them: its id is part of their control group's path.
 * @param containerId as Kubernetes tells it
 */
export function processesOf(containerId: string): number[] {
  if (containerId === '') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(containerId);
      } catch {
        return false; // it has ended meanwhile
      }
    });
}
