import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Rpc } from '../functions/runtime/contract.ts';
import { rpcs } from '../proto/generated/rpcs.ts';
import { renderRoutes, upstreamVariable } from './routes.ts';

/** An rpc with what routing asks for. */
const rpc = (functionName: string, more: Partial<Rpc<never, never>>): Rpc<never, never> =>
  ({ functionName, path: `/test.Service/${functionName}`, http: [], idempotency: 'UNKNOWN', ...more }) as Rpc<never, never>;

test('the committed routes are those of the contract', () => {
  assert.equal(readFileSync(new URL('generated/routes.caddy', import.meta.url), 'utf8'), renderRoutes(rpcs));
});

test('the same contract in another order gives the same text', () => {
  assert.equal(renderRoutes([...rpcs].reverse()), renderRoutes(rpcs));
});

test('every function is reached by gRPC, and its address is a variable of the environment', () => {
  const text = renderRoutes(rpcs);
  for (const { path, functionName } of rpcs) {
    assert.ok(text.includes(` path ${path}\n`), path);
    assert.ok(text.includes(`{$${upstreamVariable(functionName)}} ${functionName}\n`), functionName);
  }
});

test('a literal path stands before one with a variable', () => {
  const text = renderRoutes([
    rpc('a-get', { http: [{ method: 'GET', path: '/api/things/{id}' }] }),
    rpc('b-health', { http: [{ method: 'GET', path: '/api/things/healthz' }] }),
    rpc('c-verb', { http: [{ method: 'GET', path: '/api/things:export' }] }),
  ]);
  assert.ok(text.indexOf('path /api/things/healthz') < text.indexOf('path_regexp ^/api/things/[^/]+$'));
  assert.ok(text.includes('@http_api_things__export path /api/things:export'));
});

test('two names of one variable are one path, with all its methods in Allow', () => {
  const text = renderRoutes([
    rpc('a-get', { http: [{ method: 'GET', path: '/api/things/{id}' }] }),
    rpc('b-delete', { http: [{ method: 'DELETE', path: '/api/things/{thing_id}' }] }),
  ]);
  assert.equal(text.split('path_regexp').length, 2);
  assert.match(text, /vars allow "DELETE, GET, HEAD"/);
});

test('only calls without side effects are of the kind that is tried again, and streams are of their own kind', () => {
  const way = (more: Partial<Rpc<never, never>>) =>
    /import (\w+) \{\$A_B_UPSTREAM\}/.exec(
      renderRoutes([rpc('a-b', { http: [{ method: 'GET', path: '/x' }], ...more })]).split('(http_routes)')[1] ?? '',
    )?.[1];
  assert.equal(way({ idempotency: 'NO_SIDE_EFFECTS' }), 'read');
  assert.equal(way({ idempotency: 'IDEMPOTENT' }), 'call');
  assert.equal(way({ idempotency: 'UNKNOWN' }), 'call');
  assert.equal(way({ idempotency: 'NO_SIDE_EFFECTS', serverStreaming: true }), 'stream');
});
