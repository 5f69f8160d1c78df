import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

const script = join(import.meta.dirname, '../../.ci/run');

/** What npm says and how it ends, by its arguments; whatever isn't named says nothing and ends well. */
type Npm = Readonly<Record<string, { says?: string; exit?: number }>>;

const tests = 'test --silent';
const [up, down, clusterTests] = ['up', 'down', 'test --quick'].map((command) => `run --silent cluster -- ${command}`) as [
  string,
  string,
  string,
];
const deploy = 'run --silent deploy';
const good: Npm = { [tests]: { says: '✔ a test\n\n400 passed, 0 failed, 2 skipped' }, [clusterTests]: { says: '\n30 passed, 0 failed' } };

describe('.ci/run', () => {
  const base = mkdtempSync(join(tmpdir(), 'record-platform-ci-'));
  after(() => rmSync(base, { recursive: true, force: true }));

  /** Runs the script in a folder of its own, with an npm that plays the part. */
  function ci(npm: Npm, uid = 0) {
    const folder = mkdtempSync(join(base, 'clone-'));
    const [programs, called] = [join(folder, 'bin'), join(folder, 'called')];
    for (const name of ['.ci', 'bin']) mkdirSync(join(folder, name));
    copyFileSync(script, join(folder, '.ci/run'));
    const cases = Object.entries(npm).map(([args, { says = '', exit = 0 }]) => `"${args}") printf '%s\\n' '${says}'; exit ${exit};;`);
    const lines = { npm: `echo "$*" >> ${called}\ncase "$*" in\n${cases.join('\n')}\nesac`, id: `echo ${uid}` };
    for (const [name, text] of Object.entries(lines)) {
      writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(programs, name), 0o755);
    }
    const ended = spawnSync(join(folder, '.ci/run'), {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${programs}:${process.env.PATH}` },
    });
    const output = ended.stdout.trimEnd().split('\n');
    return {
      code: ended.status,
      last: output.at(-1),
      counts: output.filter((line) => /^\d+ passed/.test(line)),
      called: readFileSync(called, 'utf8').trim().split('\n'),
    };
  }

  const wrong: { name: string; npm: Npm; last: string; called?: string[] }[] = [
    { name: 'a test fails', npm: { ...good, [tests]: { says: '399 passed, 1 failed', exit: 1 } }, last: '429 passed, 1 failed' },
    {
      name: 'a test of the cluster fails',
      npm: { ...good, [clusterTests]: { says: '28 passed, 2 failed', exit: 1 } },
      last: '428 passed, 2 failed',
    },
    { name: 'the tests end without counting', npm: { ...good, [tests]: { says: 'Killed', exit: 137 } }, last: '30 passed, 1 failed' },
    {
      name: 'the tests fail and have counted none',
      npm: { ...good, [tests]: { says: '9 passed, 0 failed', exit: 1 } },
      last: '39 passed, 1 failed',
    },
    {
      name: 'the cluster doesn’t come up',
      npm: { ...good, [up]: { says: 'No cgroup', exit: 1 } },
      last: '400 passed, 1 failed',
      called: [down, tests, up, 'run --silent cluster -- status', down],
    },
    {
      name: 'a deploy fails',
      npm: { ...good, [deploy]: { exit: 1 } },
      last: '400 passed, 1 failed',
      called: [down, tests, up, deploy, 'run --silent cluster -- status', down],
    },
    { name: 'something of the cluster is left', npm: { ...good, [down]: { exit: 1 } }, last: '430 passed, 2 failed' },
    { name: 'nothing has run', npm: {}, last: '0 passed, 0 failed' },
  ];

  test('adds up, in one last line', () => {
    const { code, last, counts, called } = ci(good);
    assert.deepEqual([code, last, counts], [0, '430 passed, 0 failed', ['430 passed, 0 failed']]);
    assert.deepEqual(called, [down, tests, up, deploy, clusterTests, down]);
  });

  test('without root it leaves the cluster out', () => {
    const { code, last, called } = ci(good, 1000);
    assert.deepEqual([code, last, called], [0, '400 passed, 0 failed', [tests]]);
  });

  for (const { name, npm, last, called } of wrong)
    test(`fails where ${name}`, () => {
      const ended = ci(npm);
      assert.deepEqual([ended.code, ended.last], [1, last]);
      if (called) assert.deepEqual(ended.called, called);
    });
});
