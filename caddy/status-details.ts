import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { grpcCodes, type RefusalRow } from '../functions/runtime/refusal.ts';

/**
 * What grpc-status-details-bin carries when the edge itself refuses: google.rpc.Status with ErrorInfo, and RetryInfo where trying again
 * makes sense. The functions add the request id, which differs from call to call; the edge has it in its header alone. Written without
 * the generated codecs, because it is needed to generate.
 * @returns base64, as gRPC's HTTP/2 headers have it
 */
export function statusDetails(reason: string, { grpc, says, retryAfterSeconds }: RefusalRow): string {
  const info = new BinaryWriter().uint32(tag(1)).string(reason).uint32(tag(2)).string('record-platform').finish();
  const status = new BinaryWriter().uint32(8).int32(grpcCodes[grpc]).uint32(tag(2)).string(says);
  status.uint32(tag(3)).bytes(any('ErrorInfo', info));
  if (retryAfterSeconds !== undefined) {
    const delay = new BinaryWriter().uint32(8).int64(retryAfterSeconds).finish();
    status.uint32(tag(3)).bytes(any('RetryInfo', new BinaryWriter().uint32(tag(1)).bytes(delay).finish()));
  }
  return Buffer.from(status.finish()).toString('base64');
}

/** The tag of a field that is a text, bytes or a message (wire type 2). */
const tag = (field: number): number => field * 8 + 2;

const any = (name: string, value: Uint8Array): Uint8Array =>
  new BinaryWriter().uint32(tag(1)).string(`type.googleapis.com/google.rpc.${name}`).uint32(tag(2)).bytes(value).finish();
