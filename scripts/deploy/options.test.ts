import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readOptions, WrongUsage } from './options.ts';

const known = ['auth-login', 'records-get-record'];
const read = (...args: string[]) => readOptions(args, known);

describe('npm run deploy -- …', () => {
  test('without words it deploys everything to the local overlay', () => {
    const { action, functions, overlay, canary, unpin, dryRun, json } = read() ?? assert.fail();
    assert.deepEqual([action, functions, overlay, canary, unpin, dryRun, json], ['deploy', [], 'local', undefined, false, false, false]);
  });

  test('--promote, --rollback and --canary say what to do instead', () => {
    assert.equal(read('--promote')?.action, 'promote');
    assert.equal(read('--rollback', 'auth-login')?.action, 'rollback');
    assert.equal(read('--canary', '10')?.canary, 10);
    assert.deepEqual(read('--edge', 'edge.example:9443')?.edge, { host: 'edge.example', port: 9443 });
    assert.deepEqual(read('--edge', '192.0.2.1')?.edge, { host: '192.0.2.1', port: 8443 });
  });

  const wrong: { args: string[]; says: RegExp }[] = [
    { args: ['records-get-recrd'], says: /There is no function records-get-recrd; there are auth-login, records-get-record\./ },
    { args: ['--overlay', 'staging'], says: /There is no overlay staging; there are local, production\./ },
    { args: ['--canary', '100'], says: /--canary is a whole number from 1 to 99, not 100/ },
    { args: ['--canary', '10', '--promote'], says: /--promote and --canary don't go together/ },
    { args: ['-o', 'yaml'], says: /-o knows json, not yaml/ },
    { args: ['--edge', ':'], says: /--edge is HOST or HOST:PORT/ },
    { args: ['--now'], says: /--now/ },
  ];
  for (const { args, says } of wrong)
    test(`${args.join(' ')} is wrong usage`, () =>
      assert.throws(
        () => read(...args),
        (error) => error instanceof WrongUsage && says.test(error.message),
      ));

  const command = (args: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
    spawnSync(process.execPath, [join(import.meta.dirname, '../deploy.ts'), ...args], {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    });

  test('help goes to stdout with exit 0; wrong usage to stderr with exit 2, before anything is built', () => {
    const helped = command(['--help']);
    assert.deepEqual([helped.status, helped.stderr], [0, '']);
    assert.match(helped.stdout, /--canary PERCENT/);
    const refused = command(['records-get-recrd']);
    assert.deepEqual([refused.status, refused.stdout], [2, '']);
    assert.match(refused.stderr, /There is no function records-get-recrd/);
  });

  test('no cluster, and a cluster that does not answer, are said in two lines with exit 1', () => {
    const none = command([], { KUBECONFIG: '', RECORD_PLATFORM_STATE: '/nonexistent/record-platform' });
    assert.equal(none.status, 1);
    assert.match(none.stderr, /^There is no cluster here yet, and KUBECONFIG names none\.\nnpm run cluster -- up/);
    // What kubectl says then; the real one is asked in the cluster's tests.
    const kubectl = join(import.meta.dirname, 'testing/refusing-kubectl.sh');
    const dead = command([], { KUBECONFIG: '/dev/null', RECORD_PLATFORM_KUBECTL: kubectl });
    assert.equal(dead.status, 1);
    assert.match(dead.stderr, /^The cluster cannot be reached: .*was refused.*\nIs it up, and is it the one that KUBECONFIG means/);
  });
});
