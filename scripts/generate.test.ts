import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { rpcs } from '../proto/generated/rpcs.ts';
import { compileContract } from './generate/contract-image.ts';
import { differences, writeOutputs } from './generate/outputs.ts';
import { kebab, readPackages } from './generate/read-rpcs.ts';
import { generate, generatedFolders } from './generate.ts';

const root = join(import.meta.dirname, '..');
const buf = join(root, 'node_modules/.bin/buf');
const scratch = mkdtempSync(join(tmpdir(), 'contract-'));
after(() => rmSync(scratch, { recursive: true }));

/** A copy of the contract in which `search` (which must be there) reads `replacement`. */
function changed(file: string, search: string, replacement: string): string {
  const folder = mkdtempSync(join(scratch, 'proto-'));
  cpSync(join(root, 'proto'), folder, { recursive: true });
  const text = readFileSync(join(folder, file), 'utf8');
  assert.ok(text.includes(search), `${file} has no "${search}" any more`);
  writeFileSync(join(folder, file), text.replace(search, replacement));
  return folder;
}

test('generating twice gives the same, and it is what is committed', async () => {
  const outputs = await generate();
  assert.deepEqual(outputs, await generate());
  assert.deepEqual(differences(root, generatedFolders, outputs), []);
});

test('stale, different and missing files are named, then brought up to date; the rest keeps its time', () => {
  const place = mkdtempSync(join(scratch, 'outputs-'));
  mkdirSync(join(place, 'generated/deep'), { recursive: true });
  for (const name of ['same', 'other', 'deep/stale']) writeFileSync(join(place, 'generated', name), 'a');
  const outputs = new Map([
    ['generated/same', 'a'],
    ['generated/other', 'b'],
    ['generated/new/file', 'c'],
  ]);
  const expected = [
    'generated/other differs from its source',
    'generated/new/file is missing',
    'generated/deep/stale has no source any more',
  ];
  assert.deepEqual(differences(place, ['generated'], outputs), expected);
  assert.deepEqual(writeOutputs(place, ['generated'], outputs), expected);
  assert.deepEqual(differences(place, ['generated'], outputs), []);
  assert.deepEqual(writeOutputs(place, ['generated'], outputs), []);
});

const breaking: { name: string; file: string; search: string; replacement: string }[] = [
  { name: 'a field’s number', file: 'records.proto', search: 'optional string label = 28', replacement: 'optional string label = 48' },
  {
    name: 'a field’s type',
    file: 'records.proto',
    search: 'optional double price_paid = 16',
    replacement: 'optional string price_paid = 16',
  },
  { name: 'a field’s name', file: 'auth.proto', search: 'string refresh_token = 3', replacement: 'string renewal_token = 3' },
];

for (const { name, file, search, replacement } of breaking)
  test(`buf breaking fails when ${name} changes`, () => {
    const folder = changed(file, search, replacement);
    const run = spawnSync(buf, ['breaking', folder, '--against', join(root, 'proto/baseline.binpb')], { encoding: 'utf8' });
    assert.equal(run.status, 100, run.stdout + run.stderr);
    assert.match(run.stdout, new RegExp(`${file}:\\d+`));
  });

test('buf breaking lets a new field be', () => {
  const folder = changed(
    'records.proto',
    'optional string import_key = 37',
    'optional string colour = 99;\n  optional string import_key = 37',
  );
  execFileSync(buf, ['breaking', folder, '--against', join(root, 'proto/baseline.binpb')]);
});

const unfit: { name: string; search: string; replacement: string; says: RegExp }[] = [
  {
    name: 'an rpc that does not say who may call',
    search: '    option (platform.access) = CALLER;\n',
    replacement: '',
    says: /SearchRecords: has no \(platform\.access\); say PUBLIC or CALLER/,
  },
  {
    name: 'an rpc without verb and path',
    search: '    option (google.api.http) = {get: "/api/records/healthz"};\n',
    replacement: '',
    says: /HealthCheck: has no \(google\.api\.http\)/,
  },
  {
    name: 'a path variable that is no field',
    search: 'get: "/api/records/{record_id}"',
    replacement: 'get: "/api/records/{id}"',
    says: /\{id\} of the path is not a string field/,
  },
  {
    name: 'two rpcs at one path',
    search: 'get: "/api/records/healthz"',
    replacement: 'get: "/api/records"',
    says: /GET \/api\/records belongs to two rpcs/,
  },
  {
    name: 'a 64-bit number, which JSON.stringify would get wrong',
    search: 'int32 total = 2',
    replacement: 'int64 total = 2',
    says: /SearchRecordsResponse\.total.*choose one of these/,
  },
  {
    name: 'bytes in an answer',
    search: 'string next_page_token = 3',
    replacement: 'bytes next_page_token = 3',
    says: /next_page_token is bytes, which answers may not hold/,
  },
  { name: 'a oneof', search: 'int32 total = 2;', replacement: 'oneof count { int32 total = 2; }', says: /oneof/ },
  { name: 'a map', search: 'int32 total = 2;', replacement: 'map<string, string> total = 2;', says: /maps/ },
  { name: 'enum numbers with a gap', search: 'OTHER = 4', replacement: 'OTHER = 5', says: /MediaKind: its numbers must be 0, 1, 2/ },
  {
    name: 'a mask beside two messages',
    search: '  google.protobuf.FieldMask update_mask = 4',
    replacement: '  Record other = 9;\n  google.protobuf.FieldMask update_mask = 4',
    says: /a mask speaks of the one message beside it/,
  },
];

for (const { name, search, replacement, says } of unfit)
  test(`the contract may not have ${name}`, () => {
    const image = compileContract(changed('records.proto', search, replacement));
    assert.throws(() => readPackages(image, ['auth.proto', 'records.proto']), says);
  });

test('loading the rpcs loads no codec and no package', () => {
  const loaded = execFileSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { registerHooks } from 'node:module';
       const seen = [];
       registerHooks({ load: (url, context, next) => { seen.push(url); return next(url, context); } });
       await import(${JSON.stringify(new URL('../proto/generated/rpcs.ts', import.meta.url).href)});
       console.log(seen.map((url) => url.slice(url.lastIndexOf('/') + 1)).join(' '));`,
    ],
    { encoding: 'utf8' },
  );
  assert.deepEqual(loaded.trim().split(' ').sort(), ['auth.rpc.ts', 'records.rpc.ts', 'rpcs.ts']);
});

test('JSON names are the names of ts-proto’s properties, in the same order', async () => {
  for (const rpc of rpcs) {
    const codecs = (await rpc.codecs()) as unknown as Record<'request' | 'response', { fromPartial(message: object): object }>;
    for (const side of ['request', 'response'] as const)
      assert.deepEqual(
        Object.keys(codecs[side].fromPartial({})),
        rpc[side].fields.map((field) => field.json),
      );
  }
});

test('names in kebab case keep acronyms together', () => {
  assert.deepEqual(['GetRecord', 'HealthCheck', 'GetURLOfUser', 'Import2'].map(kebab), [
    'get-record',
    'health-check',
    'get-url-of-user',
    'import2',
  ]);
});
