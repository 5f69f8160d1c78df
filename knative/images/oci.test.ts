import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { archive, type Entry, type ImageSpec, writeLayout } from './oci.ts';
import { tar } from './tar.ts';

const base = mkdtempSync(join(tmpdir(), 'oci-'));
after(() => rmSync(base, { recursive: true }));
const long = `${'folder/'.repeat(20)}file`;
const entries: Entry[] = [
  { path: 'usr/bin/program', mode: 0o755, content: 'program' },
  { path: 'bin', mode: 0o777, link: 'usr/bin' },
  { path: 'tmp', mode: 0o1777, directory: true },
  { path: 'data', mode: 0o700, directory: true, owner: 10001 },
  { path: long, mode: 0o644, content: new Uint8Array(600) },
];
const spec: ImageSpec = {
  entrypoint: ['/usr/bin/program'],
  user: '10001:10001',
  env: { TZ: 'UTC' },
  labels: { 'org.opencontainers.image.version': '1' },
  stopSignal: 'SIGTERM',
  layers: [entries],
};
const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

describe('a tar archive', () => {
  test('holds what GNU tar reads', async () => {
    const bytes = await buffer(tar(entries));
    const listed = execFileSync('tar', ['-t', '-v', '--numeric-owner', '--utc', '-f', '-'], { input: bytes, encoding: 'utf8' });
    const lines = listed
      .trim()
      .split('\n')
      .map((line) => line.replaceAll(/\s+/g, ' '))
      .filter((line) => !line.endsWith('folder/'));
    assert.deepEqual(lines, [
      'lrwxrwxrwx 0/0 0 1970-01-01 00:00 bin -> usr/bin',
      'drwx------ 10001/10001 0 1970-01-01 00:00 data/',
      `-rw-r--r-- 0/0 600 1970-01-01 00:00 ${long}`,
      'drwxrwxrwt 0/0 0 1970-01-01 00:00 tmp/',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 usr/bin/',
      '-rwxr-xr-x 0/0 7 1970-01-01 00:00 usr/bin/program',
    ]);
    assert.deepEqual(bytes, await buffer(tar(entries.toReversed())), 'the order in which entries are given is no matter');
  });

  test('refuses what would be lost', async () => {
    await assert.rejects(buffer(tar([{ path: 'x'.repeat(101), mode: 0o644, content: '' }])), /longer than the 100 bytes/);
    const twice = { path: 'a', mode: 0o644, content: '' };
    await assert.rejects(buffer(tar([twice, twice])), /a stands twice/);
  });
});

describe('an image', () => {
  test('is the same twice, whatever the files’ times, also when no layer is known yet', async () => {
    const from = join(base, 'file');
    writeFileSync(from, 'content');
    const layers = () => [[...entries], [{ path: 'app/file', mode: 0o644, from }]];
    const one = await writeLayout(join(base, 'one/image'), 'dev.local/x:1', { ...spec, layers: layers() });
    utimesSync(from, 1, 1);
    const other = await writeLayout(join(base, 'other/image'), 'dev.local/x:1', { ...spec, layers: layers() });
    assert.deepEqual(other, one);
    const blobs = (folder: string) => readdirSync(join(base, folder, 'image/blobs/sha256')).sort();
    assert.deepEqual(blobs('one'), blobs('other'));
    for (const blob of blobs('one')) assert.equal(digestOf(readFileSync(join(base, 'one/image/blobs/sha256', blob))), `sha256:${blob}`);
    writeFileSync(from, 'changed');
    assert.notEqual((await writeLayout(join(base, 'one/image'), 'dev.local/x:1', { ...spec, layers: layers() })).digest, one.digest);
  });

  test('says what it is, and each thing it names is there with its size', async () => {
    const folder = join(base, 'named/image');
    const { digest, bytes } = await writeLayout(folder, 'dev.local/x:1', spec);
    const read = (of: string) => JSON.parse(readFileSync(join(folder, 'blobs/sha256', of.slice(7)), 'utf8'));
    const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
    assert.equal(index.manifests[0].digest, digest);
    assert.equal(index.manifests[0].annotations['org.opencontainers.image.ref.name'], 'dev.local/x:1');
    const manifest = read(digest);
    const named = [index.manifests[0], manifest.config, ...manifest.layers];
    assert.equal(
      named.reduce((sum, { digest, size }) => {
        assert.equal(statSync(join(folder, 'blobs/sha256', digest.slice(7))).size, size);
        return sum + size;
      }, 0),
      bytes,
    );
    const { config, rootfs } = read(manifest.config.digest);
    assert.deepEqual(config, {
      User: '10001:10001',
      Env: ['TZ=UTC'],
      Entrypoint: ['/usr/bin/program'],
      WorkingDir: '/',
      Labels: { 'org.opencontainers.image.version': '1' },
      StopSignal: 'SIGTERM',
    });
    assert.deepEqual(rootfs.diff_ids, [digestOf(await buffer(tar(entries)))]);
  });

  test('shares its layers with others of the same store', async () => {
    for (const name of ['a', 'b']) await writeLayout(join(base, 'shared', name), `dev.local/${name}:1`, { ...spec, env: { name } });
    const [layer = ''] = readdirSync(join(base, 'shared/.layers')).filter((name) => !name.endsWith('.json'));
    const inode = (name: string) => statSync(join(base, 'shared', name, 'blobs/sha256', layer)).ino;
    assert.equal(inode('a'), inode('b'));
  });

  test('goes into an archive that unpacks to the same layout', async () => {
    const folder = join(base, 'packed/image');
    await writeLayout(folder, 'dev.local/x:1', spec);
    const unpacked = join(base, 'unpacked');
    mkdirSync(unpacked);
    execFileSync('tar', ['-x', '-f', '-', '-C', unpacked], { input: await buffer(archive(folder)) });
    execFileSync('diff', ['-r', folder, unpacked]);
  });

  test('goes into an archive with others, the layer that they share once', async () => {
    const folders = ['a', 'b'].map((name) => join(base, 'together', name));
    for (const folder of folders)
      await writeLayout(folder, `dev.local/${folder.slice(-1)}:1`, { ...spec, env: { folder: folder.slice(-1) } });
    const listed = execFileSync('tar', ['-t', '-f', '-'], { input: await buffer(archive(...folders)), encoding: 'utf8' })
      .trim()
      .split('\n');
    // Two manifests, two configurations, one layer.
    assert.equal(listed.filter((path) => /^blobs\/sha256\/./.test(path)).length, 5, listed.join());
    const index = execFileSync('tar', ['-x', '-O', '-f', '-', 'index.json'], {
      input: await buffer(archive(...folders)),
      encoding: 'utf8',
    });
    const names = JSON.parse(index).manifests.map((one: { annotations: object }) => Object.values(one.annotations)[0]);
    assert.deepEqual(names, ['dev.local/a:1', 'dev.local/b:1']);
  });
});
