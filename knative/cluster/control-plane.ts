import { connect } from 'node:net';
import { join } from 'node:path';
import { cacheFolder, run } from '../../scripts/tools/install.ts';
import type { Daemon } from './daemon.ts';
import { pki } from './pki.ts';
import { apiServer, containerdSocket, dnsAddress, localKubeconfig, node, runFolder, serviceNetwork, stateFolder } from './state.ts';
import { program } from './tools.ts';

/** Images and their unpacked layers: in the cache, so that the next `up` finds them. */
export const containerdRoot = (): string => join(cacheFolder(), 'cluster-containerd');
/** Not kubelet's usual folder: another kubelet's pods are none of ours. */
export const kubeletFolder = (): string => join(stateFolder(), 'kubelet');

/** Empty; kubelet and controller manager would make it in /usr/libexec otherwise. */
const volumePlugins = (): string => join(kubeletFolder(), 'volume-plugins');

const flags = (values: Readonly<Record<string, string | number | boolean>>): string[] =>
  Object.entries(values).map(([name, value]) => `--${name}=${value}`);

/**
 * The processes of control plane and node, in the order of their start.
 * @param pauseImage reference of the image that holds a pod's namespaces
 */
export async function daemons(pauseImage: string): Promise<Daemon[]> {
  const kubernetes = (name: string) => program('kubernetes', name);
  return [
    containerd(pauseImage),
    etcd(await program('etcd', 'etcd')),
    apiserver(await kubernetes('kube-apiserver')),
    controllerManager(await kubernetes('kube-controller-manager')),
    scheduler(await kubernetes('kube-scheduler')),
    kubelet(await kubernetes('kubelet')),
    kubeProxy(await kubernetes('kube-proxy')),
  ];
}

/** Also without the rest: its part of `down`. Debian's containerd is 1.6, whose configuration is version 2. */
export function containerd(pauseImage: string): Daemon {
  const configuration = join(stateFolder(), 'containerd.toml');
  const networks = join(stateFolder(), 'cni');
  return {
    name: 'containerd',
    command: ['containerd', '--config', configuration],
    files: { [configuration]: containerdToml(pauseImage, networks), [join(networks, '10-bridge.conflist')]: bridgeConflist() },
    ready: async () => (await run(['ctr', '-a', containerdSocket, 'version'], '')) !== '',
    readyWithinMs: 30_000,
  };
}

export const containerdToml = (pauseImage: string, networks: string): string => `version = 2
root = "${containerdRoot()}"
state = "${runFolder}/containerd"
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${runFolder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # Root in a container or a small virtual machine may lack CAP_SYS_RESOURCE, which a lower score needs.
  restrict_oom_score_adj = true
  # CoreDNS listens on 53 without being root.
  enable_unprivileged_ports = true
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${networks}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "${runFolder}/runc"
`;

/**
 * Pods on one bridge. No masquerading: pods reach nothing beyond this machine (see network.ts), and each rule that isn't made is
 * some 10 ms that a pod starts sooner.
 */
export const bridgeConflist = (): string =>
  JSON.stringify(
    {
      cniVersion: '0.4.0',
      name: 'record-platform',
      plugins: [
        {
          type: 'bridge',
          bridge: node.bridge,
          isGateway: true,
          ipMasq: false,
          hairpinMode: true,
          ipam: {
            type: 'host-local',
            dataDir: join(stateFolder(), 'addresses'),
            ranges: [[{ subnet: node.podNetwork, gateway: node.address }]],
            routes: [{ dst: '0.0.0.0/0' }],
          },
        },
        { type: 'portmap', capabilities: { portMappings: true }, snat: true },
      ],
    },
    null,
    2,
  );

function etcd(path: string): Daemon {
  const client = 'https://127.0.0.1:2379';
  const peer = 'https://127.0.0.1:2380';
  const tls = {
    'cert-file': pki('etcd.crt'),
    'key-file': pki('etcd.key'),
    'trusted-ca-file': pki('etcd-ca.crt'),
    'client-cert-auth': true,
  };
  return {
    name: 'etcd',
    command: [
      path,
      ...flags({
        name: node.name,
        'data-dir': join(stateFolder(), 'etcd'),
        'listen-client-urls': client,
        'advertise-client-urls': client,
        'listen-peer-urls': peer,
        'initial-advertise-peer-urls': peer,
        'initial-cluster': `${node.name}=${peer}`,
        ...tls,
        ...Object.fromEntries(Object.entries(tls).map(([name, value]) => [`peer-${name}`, value])),
        // A killed process loses nothing by it. After the machine itself went down, `up` begins anew.
        'unsafe-no-fsync': true,
        logger: 'zap',
        'log-level': 'warn',
      }),
    ],
    // It answers clients with certificates alone; the API server, which waits for it, is the real test.
    ready: () => listens(2379, '127.0.0.1'),
    readyWithinMs: 30_000,
  };
}

function apiserver(path: string): Daemon {
  const issuer = 'https://kubernetes.default.svc';
  return {
    name: 'kube-apiserver',
    command: [
      path,
      ...flags({
        'etcd-servers': 'https://127.0.0.1:2379',
        'etcd-cafile': pki('etcd-ca.crt'),
        'etcd-certfile': pki('etcd-client.crt'),
        'etcd-keyfile': pki('etcd-client.key'),
        'bind-address': node.address,
        'advertise-address': node.address,
        'secure-port': 6443,
        'authorization-mode': 'Node,RBAC',
        'anonymous-auth': false,
        'enable-admission-plugins': 'NodeRestriction',
        'client-ca-file': pki('ca.crt'),
        'tls-cert-file': pki('apiserver.crt'),
        'tls-private-key-file': pki('apiserver.key'),
        'kubelet-client-certificate': pki('apiserver-kubelet-client.crt'),
        'kubelet-client-key': pki('apiserver-kubelet-client.key'),
        'kubelet-certificate-authority': pki('ca.crt'),
        'kubelet-preferred-address-types': 'InternalIP',
        'service-account-key-file': pki('service-accounts.pub'),
        'service-account-signing-key-file': pki('service-accounts.key'),
        'service-account-issuer': issuer,
        'api-audiences': issuer,
        'service-cluster-ip-range': serviceNetwork,
        'enable-aggregator-routing': true,
        'requestheader-client-ca-file': pki('front-proxy-ca.crt'),
        'requestheader-allowed-names': 'front-proxy-client',
        'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
        'requestheader-group-headers': 'X-Remote-Group',
        'requestheader-username-headers': 'X-Remote-User',
        'proxy-client-cert-file': pki('front-proxy-client.crt'),
        'proxy-client-key-file': pki('front-proxy-client.key'),
        profiling: false,
        v: 1,
      }),
    ],
    ready: async () => (await kubectlLocal('get', '--raw', '/readyz')) === 'ok',
    readyWithinMs: 60_000,
  };
}

function controllerManager(path: string): Daemon {
  return {
    name: 'kube-controller-manager',
    command: [
      path,
      ...componentFlags('controller-manager'),
      ...flags({
        'root-ca-file': pki('ca.crt'),
        'service-account-private-key-file': pki('service-accounts.key'),
        'use-service-account-credentials': true,
        'cluster-signing-cert-file': pki('ca.crt'),
        'cluster-signing-key-file': pki('ca.key'),
        'cluster-cidr': node.podNetwork,
        'service-cluster-ip-range': serviceNetwork,
        'allocate-node-cidrs': false,
        'flex-volume-plugin-dir': volumePlugins(),
        // Every function at once goes from no pod to many: the usual 20 requests a second would be felt.
        'kube-api-qps': 100,
        'kube-api-burst': 200,
      }),
    ],
    ready: () => listens(10_257, '127.0.0.1'),
    readyWithinMs: 30_000,
  };
}

function scheduler(path: string): Daemon {
  return {
    name: 'kube-scheduler',
    command: [path, ...componentFlags('scheduler')],
    ready: () => listens(10_259, '127.0.0.1'),
    readyWithinMs: 30_000,
  };
}

const componentFlags = (user: string): string[] =>
  flags({
    kubeconfig: pki(`${user}.kubeconfig`),
    'authentication-kubeconfig': pki(`${user}.kubeconfig`),
    'authorization-kubeconfig': pki(`${user}.kubeconfig`),
    'bind-address': '127.0.0.1',
    'leader-elect': false,
    profiling: false,
  });

/** Pods that come and go, each with its time. */
export const kubeletVerbosity = 2;

function kubelet(path: string): Daemon {
  const configuration = join(stateFolder(), 'kubelet.json');
  const resolver = join(stateFolder(), 'resolv.conf');
  return {
    name: 'kubelet',
    command: [
      path,
      ...flags({
        config: configuration,
        kubeconfig: pki('kubelet.kubeconfig'),
        'hostname-override': node.name,
        'node-ip': node.address,
        'root-dir': kubeletFolder(),
        'cert-dir': join(kubeletFolder(), 'pki'),
        v: kubeletVerbosity,
      }),
    ],
    files: {
      [configuration]: JSON.stringify(kubeletConfiguration(resolver), null, 2),
      // Names outside of the cluster are nobody's here.
      [resolver]: 'options ndots:1\n',
    },
    ready: async () => /True/.test(await kubectlLocal('get', 'node', node.name, '-o', readyCondition)),
    readyWithinMs: 60_000,
  };
}
const readyCondition = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}';

export const kubeletConfiguration = (resolver: string) => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address: node.address,
  authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: pki('ca.crt') } },
  authorization: { mode: 'Webhook' },
  tlsCertFile: pki('kubelet-server.crt'),
  tlsPrivateKeyFile: pki('kubelet-server.key'),
  containerRuntimeEndpoint: `unix://${containerdSocket}`,
  // containerd 1.6 doesn't say which driver it uses, so this one counts. It works with cgroup v1 and v2, with and without systemd.
  cgroupDriver: 'cgroupfs',
  failCgroupV1: false,
  failSwapOn: false,
  clusterDomain: 'cluster.local',
  clusterDNS: [dnsAddress],
  resolvConf: resolver,
  rotateCertificates: false,
  readOnlyPort: 0,
  healthzBindAddress: '127.0.0.1',
  podLogsDir: join(stateFolder(), 'pod-logs'),
  volumePluginDir: volumePlugins(),
  // A negative one needs CAP_SYS_RESOURCE.
  oomScoreAdj: 0,
  // Not above the hard limit of small virtual machines.
  maxOpenFiles: 20_000,
  // Never: images are loaded here, nothing could pull them again.
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
  evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'nodefs.inodesFree': '1%', 'imagefs.available': '1%' },
  enforceNodeAllocatable: ['pods'],
  maxPods: 110,
  // A Secret is read when a pod starts. By default it is watched, as long as a pod names it: from zero no other does, the watch begins with
  // the pod, and where its first list takes more than a second the container waits for the next round, for 2 s: about one start in a hundred.
  configMapAndSecretChangeDetectionStrategy: 'Get',
});

function kubeProxy(path: string): Daemon {
  return {
    name: 'kube-proxy',
    command: [
      path,
      ...flags({
        kubeconfig: pki('proxy.kubeconfig'),
        'hostname-override': node.name,
        'cluster-cidr': node.podNetwork,
        'proxy-mode': 'iptables',
        'oom-score-adj': 0,
        // The machine's own limits of connection tracking stay as they are.
        'conntrack-max-per-core': 0,
        'conntrack-min': 0,
        'metrics-bind-address': '127.0.0.1:10249',
        'healthz-bind-address': '127.0.0.1:10256',
        'nodeport-addresses': '127.0.0.0/8',
      }),
    ],
    ready: () => listens(10_256, '127.0.0.1'),
    readyWithinMs: 30_000,
  };
}

/** Ports that the parts take, for the message when another program has one. */
export const ports: readonly (readonly [port: number, part: string])[] = [
  [2379, 'etcd'],
  [2380, 'etcd'],
  [6443, 'kube-apiserver'],
  [10_257, 'kube-controller-manager'],
  [10_259, 'kube-scheduler'],
  [10_248, 'kubelet'],
  [10_250, 'kubelet'],
  [10_249, 'kube-proxy'],
  [10_256, 'kube-proxy'],
];

/** kubectl on the local cluster, whatever KUBECONFIG says. @throws Remedy with what it said */
export async function kubectlLocal(...args: string[]): Promise<string> {
  const command = [await program('kubernetes', 'kubectl'), '--kubeconfig', localKubeconfig(), '--request-timeout=30s', ...args];
  return run(command, `The API server is at ${apiServer}: npm run cluster -- logs kube-apiserver`);
}

function listens(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 1000 });
    const answer = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
    socket.once('timeout', () => answer(false));
  });
}
