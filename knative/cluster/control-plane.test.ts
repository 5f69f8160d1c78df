import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bridgeConflist, containerdToml, kubeletConfiguration } from './control-plane.ts';
import { node } from './state.ts';

describe('the node’s configuration', () => {
  test('containerd’s pods are held by our image, and it listens on no network', () => {
    const toml = containerdToml('dev.local/pause:1', '/state/cni');
    assert.match(toml, /sandbox_image = "dev\.local\/pause:1"/);
    assert.match(toml, /conf_dir = "\/state\/cni"/);
    assert.match(toml, /disable_tcp_service = true/);
    assert.doesNotMatch(toml, /0\.0\.0\.0/);
  });

  test('pods get addresses of the bridge, and their host ports', () => {
    const { plugins } = JSON.parse(bridgeConflist());
    assert.equal(plugins[0].bridge, node.bridge);
    assert.deepEqual(plugins[0].ipam.ranges, [[{ subnet: '10.244.0.0/24', gateway: node.address }]]);
    assert.equal(plugins[1].type, 'portmap');
    // The kernel's limit for an interface's name.
    assert.ok(node.bridge.length < 16);
  });

  test('kubelet answers nobody without a certificate', () => {
    const kubelet = kubeletConfiguration('/state/resolv.conf');
    assert.deepEqual(kubelet.authentication.anonymous, { enabled: false });
    assert.equal(kubelet.authorization.mode, 'Webhook');
    assert.equal(kubelet.readOnlyPort, 0);
    assert.equal(kubelet.address, node.address);
  });
});
