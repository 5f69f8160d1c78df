import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutOurRules } from './network.ts';

test('what kube-proxy and CNI put into iptables goes; what others did, also beside it, stays', () => {
  const theirs = [
    '*nat',
    ':PREROUTING ACCEPT [1:60]',
    ':DOCKER - [0:0]',
    '-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
    '-A DOCKER -i docker0 -j RETURN',
    'COMMIT',
    '# of a KUBErnetes user',
    '',
  ];
  const ours = [
    ':KUBE-SERVICES - [0:0]',
    ':CNI-HOSTPORT-DNAT - [0:0]',
    '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A KUBE-SEP-X -p tcp -j DNAT --to-destination 10.244.0.1:6443',
    '-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT',
    '-A FORWARD -i record-platform ! -o record-platform -m comment --comment "record-platform: pods stay here" -j REJECT',
  ];
  const mixed = theirs.flatMap((line, index) => [line, ...(ours[index] ? [ours[index]] : [])]);
  assert.equal(withoutOurRules(mixed.join('\n')), theirs.join('\n'));
  assert.equal(withoutOurRules(theirs.join('\n')), theirs.join('\n'));
});
