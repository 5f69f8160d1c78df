import { installed, run } from './install.ts';

const version = '1.85.1';

/**
 * Python with grpcio, the second, independent implementation of gRPC. Tests only.
 * @returns the program and the environment to run it with; grpc, grpc_reflection, grpc_health and google.protobuf can be imported
 * @throws Remedy
 */
export async function pythonGrpc(): Promise<{ command: string; environment: NodeJS.ProcessEnv }> {
  const folder = await installed(`python-grpcio-${version}`, `grpcio ${version} (PyPI wheels)`, async (into) => {
    const packages = ['grpcio', 'grpcio-reflection', 'grpcio-health-checking'].map((name) => `${name}==${version}`);
    const pip = ['python3', '-m', 'pip', 'install', '--quiet', '--only-binary=:all:', '--no-compile', '--target', into];
    await run([...pip, ...packages], 'Install Python 3.10 or later with pip: apt-get install python3-pip');
  });
  return { command: 'python3', environment: { ...process.env, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' } };
}
