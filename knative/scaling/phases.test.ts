import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NodeLogs, phaseNames, phasesOf, preciseTime, readMoments } from './phases.ts';

const pod = 'records-get-record-00001-deployment-ddf8685db-g7pmz';
const logs: NodeLogs = {
  kubelet: `I1126 15:53:13.335519   25102 kubelet.go:2520] "SyncLoop ADD" source="api" pods=["record-platform/${pod}"]\n`,
  containerd: `time="2026-11-26T15:53:13.915698700Z" level=info msg="RunPodSandbox for &PodSandboxMetadata{Name:${pod},Uid:984d,Namespace:record-platform,Attempt:0,}"
time="2026-11-26T15:53:13.953926673Z" level=info msg="RunPodSandbox for &PodSandboxMetadata{Name:${pod},Uid:984d,Namespace:record-platform,Attempt:0,} returns sandbox id \\"0eac\\""
time="2026-11-26T15:53:14.107238084Z" level=info msg="CreateContainer within sandbox \\"0eac\\" for &ContainerMetadata{Name:user-container,Attempt:0,} returns container id \\"cf8b\\""
time="2026-11-26T15:53:14.200000000Z" level=info msg="StartContainer for \\"cf8b\\" returns successfully"
time="2026-11-26T15:53:14.250000000Z" level=info msg="CreateContainer within sandbox \\"0eac\\" for &ContainerMetadata{Name:queue-proxy,Attempt:0,} returns container id \\"ecae\\""
time="2026-11-26T15:53:14.300000000Z" level=info msg="StartContainer for \\"ecae\\" returns successfully"
`,
  function: `2026-11-26T15:53:14.321506148Z stdout F {"time":"2026-11-26T15:53:14.315Z","severity":"INFO","message":"listening","port":8080}\n`,
};
const at = (time: string): number => Date.parse(`2026-11-26T${time}Z`);

test('moments are read from the logs of kubelet, containerd and function', () => {
  const moments = readMoments(pod, logs);
  assert.equal(moments.seen, new Date(2026, 10, 26, 15, 53, 13, 335).getTime());
  assert.equal(Math.floor(moments.sandboxReady), at('15:53:13.953'));
  assert.equal(moments.functionStarted, at('15:53:14.200'));
  assert.equal(moments.queueStarted, at('15:53:14.300'));
  assert.equal(Math.floor(moments.listening), at('15:53:14.321'));
});

test('the Go service tells its start in its own words', () => {
  const go = '2026-11-26T15:53:14.310000000Z stderr F 2026/11/26 15:53:14 Hello world app started.\n';
  assert.equal(readMoments(pod, { ...logs, function: go }).listening, at('15:53:14.310'));
});

test('what no log tells is named', () => {
  assert.throws(() => readMoments('another', logs), /containerd tells nothing of the sandbox/);
  assert.throws(() => readMoments(pod, { ...logs, kubelet: '' }), /kubelet's log tells nothing of/);
  assert.throws(() => readMoments(pod, { ...logs, function: '' }), /the function tells nothing of its start/);
});

test('phases add up to the whole; a process that listens before queue-proxy runs costs nothing', () => {
  const moments = {
    asked: 0,
    created: 40,
    seen: 60,
    sandboxReady: 300,
    functionStarted: 400,
    queueStarted: 500,
    listening: 480,
    answered: 700,
  };
  const phases = phasesOf(moments);
  assert.deepEqual(phases, { autoscaler: 40, scheduling: 20, sandbox: 240, containers: 200, process: 0, answer: 200 });
  assert.equal(
    phaseNames.reduce((sum, name) => sum + phases[name], 0),
    700,
  );
  assert.equal(phasesOf({ ...moments, listening: 550 }).process, 50);
});

test('times keep what is below a millisecond', () => {
  assert.equal(preciseTime('2026-11-26T15:53:14.250500000Z') - at('15:53:14.250'), 0.5);
  assert.equal(preciseTime('2026-11-26T15:53:14Z'), at('15:53:14'));
});
