import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { rpcs } from '../../proto/generated/rpcs.ts';

interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean; readonly schema: object }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: { readonly $ref: string } }>> };
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly headers?: object; readonly content?: object }>>;
}

const document = JSON.parse(readFileSync(new URL('../../proto/generated/openapi.json', import.meta.url), 'utf8')) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { properties: Record<string, object>; required?: string[] }>>;
    readonly responses: object;
  };
};
const operation = (method: string, path: string): Operation => document.paths[path]?.[method] as Operation;
const names = (of: Operation, place: string): string[] => (of.parameters ?? []).filter((one) => one.in === place).map((one) => one.name);

test('every HTTP face of every rpc is there, with its success status and its security', () => {
  for (const rpc of rpcs)
    for (const rule of rpc.http) {
      const found = operation(rule.method.toLowerCase(), rule.path);
      assert.ok(found, `${rule.method} ${rule.path}`);
      assert.deepEqual(
        Object.keys(found.responses).filter((status) => status < '400' && status !== '304'),
        [String(rpc.successStatus)],
      );
      assert.equal(found.security.length, rpc.access === 'CALLER' ? 1 : 0);
    }
});

test('operation ids are unique', () => {
  const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map((one) => one.operationId));
  assert.equal(new Set(ids).size, ids.length);
});

test('a refusal names its reasons under its status', () => {
  const register = operation('post', '/api/auth/register');
  assert.equal(register.responses['409']?.$ref, '#/components/responses/EMAIL_TAKEN');
  assert.match(JSON.stringify(document.components.responses), /EMAIL_TAKEN: There is an account with this e-mail address already\./);
  assert.ok(operation('patch', '/api/records/{record_id}').responses['412']);
  assert.equal(operation('get', '/api/records/{record_id}').responses['412'], undefined);
});

test('what travels in a header is a header parameter, and the etag a header of the answer', () => {
  assert.deepEqual(names(operation('post', '/api/records'), 'header'), ['Idempotency-Key']);
  assert.deepEqual(names(operation('delete', '/api/records/{record_id}'), 'header'), ['If-Match', 'Idempotency-Key']);
  assert.deepEqual(names(operation('get', '/api/records/{record_id}'), 'header'), ['If-None-Match']);
  assert.deepEqual(Object.keys(operation('get', '/api/records/{record_id}').responses['200']?.headers ?? {}), ['X-Request-Id', 'ETag']);
});

test('a file is a body in each of its media types, and no schema; what is told while it comes is a message a line', () => {
  const imported = operation('post', '/api/records:import');
  assert.deepEqual(Object.keys(imported.requestBody?.content ?? {}), ['text/csv', 'application/x-ndjson']);
  assert.deepEqual(names(imported, 'header'), []);
  assert.match(
    JSON.stringify(imported.responses['200']),
    /"application\/x-ndjson":\{"schema":\{"\$ref":"#\/components\/schemas\/records.ImportRecordsResponse"/,
  );
  const exported = operation('get', '/api/records:export');
  assert.deepEqual(Object.keys((exported.responses['200'] as { content?: object } | undefined)?.content ?? {}), [
    'text/csv',
    'application/x-ndjson',
  ]);
  assert.ok(exported.responses['406']);
});

test('PATCH has a mask and takes a merge patch; PUT has neither', () => {
  const path = '/api/records/{record_id}';
  assert.deepEqual(names(operation('patch', path), 'query'), ['userId', 'updateMask']);
  assert.deepEqual(names(operation('put', path), 'query'), ['userId']);
  assert.deepEqual(Object.keys(operation('patch', path).requestBody?.content ?? {}), ['application/json', 'application/merge-patch+json']);
  assert.deepEqual(Object.keys(operation('put', path).requestBody?.content ?? {}), ['application/json']);
});

test('a query parameter has its alias beside it, and its limits', () => {
  const search = operation('get', '/api/records');
  assert.deepEqual(names(search, 'query').slice(0, 7), ['userId', 'query', 'q', 'limit', 'offset', 'pageToken', 'artist']);
  assert.deepEqual(search.parameters?.find((one) => one.name === 'q')?.schema, { type: 'string', maxLength: 256 });
});

test('schemas hold the limits, and say what is always there', () => {
  const record = document.components.schemas['records.Record'];
  assert.deepEqual(record?.properties.artist, { type: 'string', minLength: 1, maxLength: 256 });
  assert.deepEqual(record?.properties.id, { type: 'string', readOnly: true });
  assert.deepEqual(record?.required, ['id', 'createdAt', 'updatedAt', 'etag']);
  assert.deepEqual(document.components.schemas['records.SearchRecordsResponse']?.required, ['records', 'total', 'nextPageToken']);
  assert.deepEqual(document.components.schemas['auth.RegisterRequest']?.required, ['email', 'password']);
});
