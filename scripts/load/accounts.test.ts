import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { HttpAnswer, HttpClient, HttpRequest } from '../demo/http.ts';
import { claimAccounts, readyAccounts } from './accounts.ts';

describe('accounts of the load', () => {
  const folder = mkdtempSync(join(tmpdir(), 'record-platform-accounts-'));
  after(() => rmSync(folder, { recursive: true }));

  /** The API as far as accounts need it: each refresh token works once. */
  function api() {
    const good = new Set<string>();
    let made = 0;
    const asked: string[] = [];
    const pair = () => {
      made += 1;
      good.add(`refresh ${made}`);
      return { token: `token ${made}`, refreshToken: `refresh ${made}`, user: { id: `user ${made}` } };
    };
    const answer = ({ path, body }: HttpRequest): Partial<HttpAnswer> => {
      if (path === '/api/records') return { status: 201, body: { id: 'record' } };
      if (path === '/api/auth/register') return { status: 201, body: pair() };
      return good.delete((body as { refreshToken: string }).refreshToken) ? { status: 200, body: pair() } : { status: 401, body: {} };
    };
    const client: HttpClient = {
      send: async (request) => {
        asked.push(request.path);
        return { headers: {}, protocol: 'HTTP/2', status: 0, body: {}, ...answer(request) } as HttpAnswer;
      },
      close: () => {},
    };
    return { client, asked, good };
  }
  const ready = (client: HttpClient, count: number, file: string) =>
    readyAccounts({ client, count, file, onProgress: () => {}, signal: new AbortController().signal });

  test('are registered once, and used again by the next run without a password', async () => {
    const { client, asked } = api();
    const file = join(folder, 'again.json');
    await ready(client, 3, file);
    assert.equal(asked.filter((path) => path === '/api/auth/register').length, 3);
    asked.length = 0;
    const accounts = await ready(client, 3, file);
    assert.deepEqual(asked, ['/api/auth/refresh', '/api/auth/refresh', '/api/auth/refresh']);
    assert.ok(accounts.every(({ records }) => records.length === 20));
    assert.equal(statSync(file).mode & 0o077, 0, 'only their owner reads them');
  });

  test('whose sessions have ended are registered anew; those that are not needed now are kept', async () => {
    const { client, asked, good } = api();
    const file = join(folder, 'ended.json');
    await ready(client, 3, file);
    await ready(client, 1, file);
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).length, 3);
    good.clear();
    asked.length = 0;
    await ready(client, 2, file);
    assert.equal(asked.filter((path) => path === '/api/auth/register').length, 2);
  });

  test('belong to one run at a time; those of a run that died are taken over', () => {
    const file = join(folder, 'claimed.json');
    writeFileSync(file, '[1]');
    const claim = claimAccounts(file);
    assert.equal(existsSync(file), false, 'another run finds none');
    claim.release();
    assert.equal(readFileSync(file, 'utf8'), '[1]');
    rmSync(file);
    // No process has this number: it is above what the kernel gives.
    writeFileSync(`${file}.4194999`, '[2]');
    const taken = claimAccounts(file);
    assert.equal(readFileSync(taken.file, 'utf8'), '[2]');
    taken.release();
    assert.equal(readFileSync(file, 'utf8'), '[2]');
  });
});
