import type { Readable } from 'node:stream';
import { refuse } from './refusal.ts';

/**
 * Reads a stream to its end, at most `bytesMax` bytes.
 * @throws Refusal BODY_TOO_LARGE at the first byte too many, CANCELLED when the stream breaks off.
 */
export function readStream(stream: Readable, bytesMax: number, announced: string | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (announced !== undefined && Number(announced) > bytesMax) return reject(refuse('BODY_TOO_LARGE'));
    const chunks: Buffer[] = [];
    let size = 0;
    let done = false;
    stream.on('data', (chunk: Buffer) => {
      if (done) return;
      size += chunk.length;
      if (size > bytesMax) {
        done = true;
        reject(refuse('BODY_TOO_LARGE'));
      } else chunks.push(chunk);
    });
    stream.on('end', () => {
      if (done) return;
      done = true;
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
    });
    const broken = (): void => {
      if (done) return;
      done = true;
      reject(refuse('CANCELLED'));
    };
    stream.on('aborted', broken);
    stream.on('error', broken);
    stream.on('close', broken);
  });
}
