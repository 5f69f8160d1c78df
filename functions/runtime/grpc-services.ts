import { Server } from '@grpc/grpc-js';
import { descriptors } from '../../proto/generated/descriptors.ts';
import { grpcStreamHandler, type StreamHandler } from './grpc-stream-handler.ts';
import { addHealth } from './health.ts';
import { addReflection } from './reflection.ts';

/** Reflection and health, served by grpc-js. */
export interface GrpcServices {
  readonly serve: StreamHandler;
  /** Tells health watches that the instance is going, and ends them. */
  stop(): void;
}

/** @param service the one that this function's rpc is of: "records.RecordsService" */
export function createGrpcServices(service: string, bodyBytesMax: number): GrpcServices {
  const server = new Server({ 'grpc.enable_channelz': 0, 'grpc.max_receive_message_length': bodyBytesMax });
  addReflection(server, descriptors);
  const health = addHealth(server, [service]);
  return { serve: grpcStreamHandler(server), stop: () => health.stop() };
}
