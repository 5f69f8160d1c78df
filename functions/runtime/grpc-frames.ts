import { prefixBytes, unpacked } from './grpc-message.ts';
import { refuse } from './refusal.ts';
import type { StreamReader } from './stream-reader.ts';

/** One message of a stream: gRPC's own default. */
const messageBytesMax = 4 * 1024 * 1024;

/**
 * The messages of a stream, as they come (PROTOCOL-HTTP2.md, Length-Prefixed-Message).
 * @param encoding the grpc-encoding header
 * @throws Refusal BODY_TOO_LARGE, MALFORMED_BODY, and what the reader throws
 */
export async function* readFrames(reader: StreamReader, encoding: string | undefined): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) {
    held = held.length === 0 ? piece : Buffer.concat([held, piece]);
    let at = 0;
    while (held.length - at >= prefixBytes) {
      const length = held.readUInt32BE(at + 1);
      if (length > messageBytesMax) throw refuse('BODY_TOO_LARGE');
      const end = at + prefixBytes + length;
      if (held.length < end) break;
      const message = held.subarray(at + prefixBytes, end);
      const packed = held[at];
      at = end;
      if (packed === 0) yield message;
      else if (packed === 1) yield await unpacked(message, encoding, messageBytesMax);
      else throw refuse('MALFORMED_BODY');
    }
    held = held.subarray(at);
  }
  if (held.length > 0) throw refuse('MALFORMED_BODY');
}
