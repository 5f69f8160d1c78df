import { createApplication } from './application.ts';
import { readConfig } from './config.ts';
import type { AnyFunction } from './define-function.ts';
import { createHttpHandler } from './handle-http.ts';
import { createLog } from './log.ts';
import type { Write } from './log-output.ts';
import { createPort } from './port.ts';

/** A function that listens. */
export interface Running {
  readonly port: number;
  /** Drains, flushes telemetry, closes the pool. Resolves to false where the grace time was not enough. */
  stop(): Promise<boolean>;
}

/** How long after listening the first call's needs are loaded, where no call has come first. The probe goes before. */
const warmAfterMs = 30;

/**
 * Serves one function on one port.
 * @param writeLog where log lines go; standard output otherwise.
 * @throws Error that says what the environment lacks, or why the port cannot be had.
 */
export async function serve(
  definition: AnyFunction,
  environment: Readonly<Record<string, string | undefined>>,
  writeLog?: Write,
): Promise<Running> {
  const config = readConfig(environment);
  const app = createApplication(definition, config, environment, writeLog);
  const readiness = { ready: true };
  const port = createPort({
    headerBytesMax: app.limits.headerBytesMax,
    timeoutSeconds: app.limits.timeoutSeconds,
    http: createHttpHandler(app, readiness),
    grpc: () => import('./grpc-server.ts').then(({ createGrpcSide }) => createGrpcSide(app)),
    onError: (error) => app.log.error('the port failed', { cause: error }),
  });
  const listening = await port.listen(config.port, config.host);
  app.log.info('listening', { port: listening });
  const warming = setTimeout(() => app.warm(), warmAfterMs);

  let stopping: Promise<boolean> | undefined;
  const stop = async (): Promise<boolean> => {
    clearTimeout(warming);
    readiness.ready = false;
    app.log.info('draining', { in_flight: app.inFlight });
    let late: NodeJS.Timeout | undefined;
    const inTime = await Promise.race([
      port.drain().then(() => true),
      new Promise<boolean>((resolve) => {
        late = setTimeout(() => resolve(false), config.drainSeconds * 1000);
      }),
    ]);
    clearTimeout(late);
    if (!inTime) app.log.warn('the grace time was not enough', { in_flight: app.inFlight });
    port.destroy();
    app.log.info('stopped', {});
    await app.close();
    return inTime;
  };
  return {
    port: listening,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** The whole life of a function's process: serve until SIGTERM or SIGINT, exit 0 after a drain; 1 where it cannot start. */
export async function main(definition: AnyFunction): Promise<void> {
  process.on('uncaughtException', (error) => {
    // The log takes secrets out of causes; a bare stack would not.
    createLog({ functionName: definition.rpc.functionName, revision: process.env.K_REVISION ?? '' }).error('uncaught', { cause: error });
    process.exit(1);
  });
  try {
    const running = await serve(definition, process.env);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void running.stop().then(() => process.exit(0)));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  }
}
