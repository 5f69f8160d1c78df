import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lackingCgroups } from './requirements.ts';

const v1 = (...controllers: string[]) =>
  controllers.map((name) => `cgroup /sys/fs/cgroup/${name} cgroup rw,relatime,${name} 0 0`).join('\n');

for (const { name, mounts, expected } of [
  { name: 'cgroup v2', mounts: 'cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0', expected: [] },
  { name: 'cgroup v1', mounts: v1('cpu', 'cpuset', 'memory', 'pids'), expected: [] },
  { name: 'two controllers on one mount', mounts: v1('cpu,cpuacct', 'cpuset', 'memory', 'pids'), expected: [] },
  {
    name: 'v1 with an empty v2 beside it, as systemd has it',
    mounts: `${v1('cpu', 'cpuset')}\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0`,
    expected: [/No cgroup of memory, pids/],
  },
  { name: 'none', mounts: 'proc /proc proc rw 0 0', expected: [/No cgroup of cpu, cpuset, memory, pids is mounted: mount /] },
]) {
  test(`cgroups: ${name}`, () => {
    const faults = lackingCgroups(mounts);
    assert.equal(faults.length, expected.length);
    for (const [index, pattern] of expected.entries()) assert.match(faults[index] ?? '', pattern);
  });
}
