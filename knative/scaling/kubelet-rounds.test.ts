import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timesOfRounds } from './kubelet-rounds.ts';

test('the rounds of a kubelet are read from its log', () => {
  const log = [
    'I1126 20:40:02.187654   21132 generic.go:240] "GenericPLEG: Relisting"',
    'I1126 20:40:02.462895   21132 util.go:34] "No sandbox for pod can be found. Need to start a new one" pod="a/b"',
    'I1126 20:40:03.199001   21132 generic.go:240] "GenericPLEG: Relisting"',
  ].join('\n');
  assert.deepEqual(timesOfRounds(log, 2026), [
    new Date(2026, 10, 26, 20, 40, 2, 187).getTime(),
    new Date(2026, 10, 26, 20, 40, 3, 199).getTime(),
  ]);
});
