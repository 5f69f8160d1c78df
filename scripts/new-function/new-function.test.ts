import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import register from '../../functions/auth/register/function.ts';
import { authTest, goodPassword, newEmail } from '../../functions/auth/testing.ts';
import { startFunction } from '../../functions/testing/start.ts';

const root = join(import.meta.dirname, '..', '..');
const leftOut = ['node_modules', '.git', 'dist', '.local'];

/** The project as a newcomer has it, apart from what is installed and built. */
function copyProject(): string {
  const copy = mkdtempSync(join(tmpdir(), 'new-function-'));
  cpSync(root, copy, { recursive: true, filter: (path) => !leftOut.includes(relative(root, path)) });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Every file's path and content, as one hash. */
function contentOf(copy: string): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(copy, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.startsWith(join(copy, 'node_modules')) && !file.startsWith(join(copy, 'dist')))
    .sort())
    hash.update(`${file}\0`).update(readFileSync(file));
  return hash.digest('hex');
}

/** A program of the project, in the copy. Without the test runner's own variable: a nested run would report to the outer one. */
function run(copy: string, program: string, args: readonly string[]) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const command = program === 'node' ? process.execPath : join(root, 'node_modules/.bin', program);
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: copy, env, encoding: 'utf8', timeout: 120_000 });
  return { status, stdout, stderr, all: `${stdout}${stderr}` };
}

const newFunction = (copy: string, ...args: string[]) => run(copy, 'node', ['scripts/new-function.ts', ...args]);

describe('npm run new-function', () => {
  let copy: string;
  before(() => {
    copy = copyProject();
  });
  after(() => rmSync(copy, { recursive: true, force: true }));

  for (const { name, args, status, says } of [
    { name: 'nothing', args: [], status: 2, says: /npm run new-function -- <package> <Rpc>/ },
    { name: 'a package alone', args: ['records'], status: 2, says: /<Rpc>/ },
    { name: 'too much', args: ['records', 'GetSomething', 'more'], status: 2, says: /<Rpc>/ },
    { name: 'an option that is none', args: ['--force'], status: 2, says: /Unknown option '--force'/ },
    {
      name: 'an unknown package',
      args: ['nothing', 'GetSomething'],
      status: 2,
      says: /there is no package nothing .*there are auth, records/,
    },
    { name: 'a package that leads out of the project', args: ['../x', 'GetSomething'], status: 2, says: /lower-case letters/ },
    { name: 'an rpc in lower case', args: ['records', 'getSomething'], status: 2, says: /a verb and a noun in PascalCase/ },
    { name: 'an rpc of one word', args: ['records', 'Delete'], status: 2, says: /a verb and a noun/ },
    { name: 'an rpc that is too long', args: ['records', `Get${'Long'.repeat(12)}`], status: 2, says: /choose a shorter name/ },
    { name: 'an rpc that exists', args: ['records', 'GetRecord'], status: 1, says: /is there already/ },
  ])
    test(`${name} is refused, and nothing changes`, () => {
      const untouched = contentOf(copy);
      const refused = newFunction(copy, ...args);
      assert.equal(refused.status, status, refused.all);
      assert.match(refused.stderr, says);
      assert.equal(contentOf(copy), untouched);
    });

  test('--help says how it is used', () => {
    const { status, stdout } = newFunction(copy, '--help');
    assert.equal(status, 0);
    assert.match(stdout, /Exit codes/);
  });

  test('a contract that cannot be generated from leaves the project as it was', () => {
    const broken = copyProject();
    try {
      appendFileSync(
        join(broken, 'proto/records.proto'),
        '\nservice BrokenService {\n  rpc Half(HealthCheckRequest) returns (HealthCheckResponse);\n}\n',
      );
      const untouched = contentOf(broken);
      const refused = newFunction(broken, 'records', 'GetSomething');
      assert.equal(refused.status, 1, refused.all);
      assert.match(refused.stderr, /Nothing was changed.*\n.*Half/s);
      assert.equal(contentOf(broken), untouched);
    } finally {
      rmSync(broken, { recursive: true, force: true });
    }
  });

  test('what it makes is complete, builds, runs and passes its tests at once', { timeout: 300_000 }, async (t) => {
    const made = newFunction(copy, 'records', 'GetSomething');
    assert.equal(made.status, 0, made.all);
    const files = ['function.ts', 'operation.ts', 'queries.ts', 'operation.test.ts', 'function.test.ts'];
    for (const file of files) {
      assert.ok(existsSync(join(copy, 'functions/records/get-something', file)));
      assert.match(made.stdout, new RegExp(`functions/records/get-something/${file}`));
    }

    await t.test('everything that follows from the contract is generated', () => {
      assert.match(readFileSync(join(copy, 'proto/generated/records.rpc.ts'), 'utf8'), /records-get-something/);
      assert.match(run(copy, 'node', ['scripts/generate.ts']).stdout, /up to date/);
    });

    await t.test('it is formatted, linted and typed', () => {
      const linted = run(copy, 'biome', ['check', 'functions/records/get-something', '--vcs-enabled=false']);
      assert.equal(linted.status, 0, linted.all);
      const typed = run(copy, 'tsc', ['-p', '.']).stdout;
      assert.doesNotMatch(typed, /get-something|proto\/generated/);
    });

    await t.test('its tests and the rules of taste pass', () => {
      const tested = run(copy, 'node', ['--test', ...files.slice(3).map((file) => `functions/records/get-something/${file}`)]);
      assert.equal(tested.status, 0, tested.all);
      assert.match(tested.stdout, /pass [1-9]/);
      assert.doesNotMatch(run(copy, 'node', ['--test', 'functions/taste.test.ts']).all, /get-something/);
    });

    await t.test('its bundle answers the caller', async () => {
      const built = run(copy, 'node', ['scripts/build.ts', 'records-get-something']);
      assert.equal(built.status, 0, built.all);
      const auth = await authTest();
      const registering = await startFunction(register, auth.environment);
      let child: ChildProcess | undefined;
      try {
        const { token, user } = await registering.call({ email: newEmail(), password: goodPassword });
        child = spawn(process.execPath, [join(copy, 'dist/records-get-something/index.js')], {
          env: { ...auth.environment, DATABASE_URL: auth.database.recordUrl, PORT: '0', HOST: '127.0.0.1' },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const port = await listeningPort(child);
        const response = await fetch(`http://127.0.0.1:${port}/api/records:something`, {
          headers: { authorization: `Bearer ${token}`, connection: 'close' },
        });
        assert.equal(response.status, 200);
        assert.equal(((await response.json()) as { userId: string }).userId, user?.id);
      } finally {
        const ended = child && new Promise((resolve) => child?.once('exit', resolve));
        child?.kill('SIGTERM');
        await ended;
        await registering.stop();
        await auth.drop();
      }
    });

    await t.test('a second time it is refused', () => {
      const again = newFunction(copy, 'records', 'GetSomething');
      assert.equal(again.status, 1);
      assert.match(again.stderr, /is there already/);
    });
  });
});

/** From the log line that says so. */
function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      const port = /"message":"listening".*"port":(\d+)/.exec(text)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${text}`)));
  });
}
