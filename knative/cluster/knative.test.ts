import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withImages } from './knative.ts';

const images = [
  { name: 'activator', reference: 'dev.local/a:1' },
  { name: 'envoy', reference: 'dev.local/e:2' },
];

test('images that upstream would build or pull become those of the node', () => {
  const text = 'image: ko://knative.dev/serving/cmd/activator\n---\nimage: docker.io/envoyproxy/envoy:v1.36-latest\n';
  assert.equal(withImages(text, images), 'image: dev.local/a:1\n---\nimage: dev.local/e:2\n');
});

test('an image that nobody built is an error, not a pod that waits for ever', () => {
  assert.throws(() => withImages('image: ko://knative.dev/serving/cmd/queue', images), /no image of queue/);
});
