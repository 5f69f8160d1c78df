import { existsSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { functionEnvironment } from '../build/function-process.ts';
import { Remedy } from '../tools/install.ts';
import { type Part, startPart } from './part.ts';

export interface FunctionOptions {
  /** "records-get-record": its bundle is dist/records-get-record. */
  readonly name: string;
  /** State folder: log/NAME.log, run/NAME.json. */
  readonly folder: string;
  readonly port: number;
  /** Its whole environment beside PORT and HOST: DATABASE_URL, keys, … */
  readonly environment: Readonly<Record<string, string>>;
  /** The folder of the bundles, where it isn't the project's dist. */
  readonly dist?: string;
}

const projectDist = fileURLToPath(new URL('../../dist', import.meta.url));

/**
 * Starts the bundle of one function as a process on 127.0.0.1 with the Node that runs this. Ready when it says so on /readyz.
 * SIGTERM drains it.
 * @throws Remedy
 */
export async function startFunction({ name, folder, port, environment, dist = projectDist }: FunctionOptions): Promise<Part> {
  const entry = join(dist, name, 'index.js');
  if (!existsSync(entry)) throw new Remedy(`${entry} is missing.\nnpm run build -- ${name}`);
  return startPart({
    name,
    command: [process.execPath, entry],
    environment: {
      PATH: '/usr/bin:/bin',
      TZ: 'UTC',
      DRAIN_SECONDS: '5',
      ...functionEnvironment,
      ...environment,
      HOST: '127.0.0.1',
      PORT: String(port),
    },
    folder,
    port,
    portSetting: 'RECORD_PLATFORM_FUNCTIONS_PORT',
    stopSignal: 'SIGTERM',
    // Above DRAIN_SECONDS, after which it ends by itself.
    stopWithinMs: 7_000,
    ready: () => isReady(port),
    readyWithinMs: 20_000,
  });
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const call = get({ host: '127.0.0.1', port, path: '/readyz', agent: false, timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.once('error', () => resolve(false));
    call.once('timeout', () => call.destroy());
  });
}
