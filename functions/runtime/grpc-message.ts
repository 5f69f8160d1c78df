import { refuse } from './refusal.ts';

/** A message on gRPC's wire: one byte that says whether it is compressed, four for its length, and itself (PROTOCOL-HTTP2.md, Length-Prefixed-Message). */
export const prefixBytes = 5;

/** A message as it is sent: uncompressed. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  return frame;
}

/** The one message of a unary request, gathered from the stream's chunks. */
export class MessageReader {
  readonly #bytesMax: number;
  #held: Buffer | undefined;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** @throws Refusal BODY_TOO_LARGE as soon as it is clear */
  take(chunk: Buffer): void {
    this.#held = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    const announced = this.#held.length < prefixBytes ? 0 : this.#held.readUInt32BE(1);
    if (Math.max(announced, this.#held.length - prefixBytes) > this.#bytesMax) throw refuse('BODY_TOO_LARGE');
  }

  /**
   * What has come, when nothing more does.
   * @param encoding the grpc-encoding header
   * @returns its bytes; a promise where they have to be unpacked
   * @throws Refusal MALFORMED_BODY where it is not exactly one message, or packed in a way that is not spoken here
   */
  end(encoding: string | undefined): Buffer | Promise<Buffer> {
    const held = this.#held;
    if (held === undefined || held.length < prefixBytes || held.length !== prefixBytes + held.readUInt32BE(1))
      throw refuse('MALFORMED_BODY');
    const message = held.subarray(prefixBytes);
    if (held[0] === 0) return message;
    if (held[0] !== 1) throw refuse('MALFORMED_BODY');
    return unpacked(message, encoding, this.#bytesMax);
  }
}

/** @throws Refusal MALFORMED_BODY, BODY_TOO_LARGE where it is larger than `bytesMax` unpacked */
export async function unpacked(message: Buffer, encoding: string | undefined, bytesMax: number): Promise<Buffer> {
  const { gunzipSync, inflateSync } = await import('node:zlib');
  const unpack = encoding === 'gzip' ? gunzipSync : encoding === 'deflate' ? inflateSync : undefined;
  if (unpack === undefined) throw refuse('MALFORMED_BODY');
  try {
    // A request has some kilobytes: no thread is worth it.
    return unpack(message, { maxOutputLength: bytesMax });
  } catch (cause) {
    throw refuse((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'BODY_TOO_LARGE' : 'MALFORMED_BODY', { cause });
  }
}

const millisecondsOf: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };

/**
 * The grpc-timeout header in milliseconds; undefined where there is none.
 * @throws Refusal MALFORMED_BODY
 */
export function timeoutOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const [, amount, unit] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? [];
  if (amount === undefined) throw refuse('MALFORMED_BODY');
  return Number(amount) * (millisecondsOf[unit as string] as number);
}
