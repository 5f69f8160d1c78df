import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { cacheFolder, installed, Remedy, run } from './install.ts';

describe('a tool in the cache', { timeout: 60_000 }, () => {
  const base = mkdtempSync(join(tmpdir(), 'record-platform-cache-'));
  const before = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = base;
  const cache = join(base, 'record-platform');
  after(() => {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
    rmSync(base, { recursive: true, force: true });
  });
  beforeEach(() => rmSync(cache, { recursive: true, force: true }));

  test('is made once and then found', async () => {
    let made = 0;
    const make = async (into: string) => {
      made += 1;
      writeFileSync(join(into, 'tool'), 'x');
    };
    const folders = await Promise.all([1, 2, 3].map(() => installed('tool-1', 'a tool', make)));
    assert.deepEqual(new Set(folders), new Set([join(cache, 'tool-1')]));
    await installed('tool-1', 'a tool', make);
    assert.equal(made, 1);
    assert.deepEqual(readdirSync(cache), ['tool-1']);
  });

  test('is made once by two processes that need it at the same time', async () => {
    const script = `
      const { installed } = await import('${new URL('install.ts', import.meta.url)}');
      const { appendFileSync } = await import('node:fs');
      await installed('tool-2', 'a tool', async (into) => {
        appendFileSync('${base}/made', 'x');
        await new Promise((resolve) => setTimeout(resolve, 500));
      });`;
    const node = () => promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', script]);
    await Promise.all([node(), node(), node()]);
    assert.equal(readFileSync(join(base, 'made'), 'utf8'), 'x');
  });

  test('that could not be made leaves nothing behind, and says what to do', async () => {
    const failing = installed('tool-3', 'a tool', async (into) => {
      writeFileSync(join(into, 'half'), 'x');
      await run(['sh', '-c', 'echo disk full >&2; exit 7'], 'Free some space.');
    });
    await assert.rejects(failing, (error) => error instanceof Remedy && /ended with 7: disk full\nFree some space\./.test(error.message));
    assert.deepEqual(readdirSync(cache), []);
  });

  test('whose installer died with its lock is made by the next', async () => {
    mkdirSync(cache, { recursive: true });
    writeFileSync(join(cache, 'tool-4.lock'), `${process.pid} 1`);
    await installed('tool-4', 'a tool', async () => {});
    assert.deepEqual(readdirSync(cache), ['tool-4']);
  });

  test('a program that is missing is a remedy, not a stack', async () => {
    await assert.rejects(
      run(['no-such-program'], 'Install it.'),
      (error) => error instanceof Remedy && /ENOENT\nInstall it\.$/.test(error.message),
    );
  });

  test('root’s cache is where the database’s own user can enter; others have it at home', () => {
    assert.equal(cacheFolder({ XDG_CACHE_HOME: '/x' }), '/x/record-platform');
    assert.match(cacheFolder({}), process.getuid?.() === 0 ? /^\/var\/cache\/record-platform$/ : /\/\.cache\/record-platform$/);
  });
});
