import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { imageNames } from '../../knative/images/build-images.ts';
import { overlays, podOf, renderOverlay } from '../../knative/manifests/render.ts';
import { kustomize } from '../tools/go.ts';
import { namedByContent, stagesOf, withImages } from './platform.ts';

const images = new Map(imageNames().map((name) => [name, `dev.local/record-platform/${name}:0123456789ab`]));

describe('an overlay, in the order in which it is applied', () => {
  for (const overlay of overlays)
    test(`every object of ${overlay} has its stage, and every image is one that is built`, async () => {
      const manifests = withImages(await renderOverlay([await kustomize(), 'build'], overlay), images);
      const stages = stagesOf(manifests);
      assert.equal(Object.values(stages).flat().length, manifests.length);
      assert.equal(stages.namespaces.length, 3);
      assert.equal(stages.migrate.length, 1);
      assert.equal(stages.postgres.length, overlay === 'local' ? 1 : 0);
      for (const stage of [stages.postgres, stages.migrate, stages.pgbouncer, stages.edge, stages.functions].flat())
        for (const { image } of podOf(stage).containers) assert.match(image, /^dev\.local\/record-platform\/[a-z-]+:0123456789ab$/);
      assert.ok(stages.settings.every((each) => podOf(each) === undefined));
    });

  test('an image that nobody builds is an error that names who wants it', () => {
    const pod = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'x' },
      spec: { template: { spec: { containers: [{ image: 'record-platform/y' }] } } },
    };
    assert.throws(() => withImages([pod], images), /x needs the image record-platform\/y/);
  });

  test('a Job is another one when what it runs or what it is given is another', () => {
    const job = (image: string) => ({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'migrate' }, spec: { image } });
    const name = (image: string, given: string) => namedByContent(job(image), given).metadata.name;
    assert.equal(name('a', '1'), name('a', '1'));
    assert.equal(new Set([name('a', '1'), name('b', '1'), name('a', '2')]).size, 3);
    assert.match(name('a', '1'), /^migrate-[0-9a-f]{10}$/);
  });
});
