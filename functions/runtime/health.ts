import { type Server, type ServerUnaryCall, type ServerWritableStream, type sendUnaryData, status } from '@grpc/grpc-js';
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthListResponse,
  HealthService,
  HealthCheckResponse_ServingStatus as Serving,
} from '../../proto/generated/grpc/health/v1/health.ts';

type Watch = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

/** grpc.health.v1 for one function: the process ("") and its service. Like /readyz it never asks the database. */
export interface Health {
  /** Tells every watcher that the instance is going, and ends the watches: they would hold up a drain for ever. */
  stop(): void;
}

const watchesMax = 100;

export function addHealth(server: Server, services: readonly string[]): Health {
  let serving: Serving = Serving.SERVING;
  const watches = new Set<Watch>();
  const statusOf = (service: string): Serving | undefined => (service === '' || services.includes(service) ? serving : undefined);
  server.addService(HealthService, {
    check(call: ServerUnaryCall<HealthCheckRequest, HealthCheckResponse>, callback: sendUnaryData<HealthCheckResponse>) {
      const found = statusOf(call.request.service);
      if (found === undefined) callback({ code: status.NOT_FOUND, details: 'unknown service' });
      else callback(null, { status: found });
    },
    list(_call: unknown, callback: sendUnaryData<HealthListResponse>) {
      callback(null, { statuses: Object.fromEntries(['', ...services].map((name) => [name, { status: serving }])) });
    },
    watch(call: Watch) {
      if (watches.size >= watchesMax) {
        call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'too many watches' });
        return;
      }
      watches.add(call);
      const over = () => watches.delete(call);
      call.on('cancelled', over);
      call.on('close', over);
      call.write({ status: statusOf(call.request.service) ?? Serving.SERVICE_UNKNOWN });
    },
  });
  return {
    stop() {
      serving = Serving.NOT_SERVING;
      for (const watch of watches) {
        watch.write({ status: serving });
        watch.end();
      }
      watches.clear();
    },
  };
}
