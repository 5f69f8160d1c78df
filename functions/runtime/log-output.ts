import { writeSync } from 'node:fs';

/**
 * Writes ASCII bytes, and says how many it took (all, where it says nothing).
 * Throws an error with code EAGAIN where nothing can be taken now.
 */
export type Write = (bytes: Buffer) => number | undefined;

/** Lines on their way out: gathered for some milliseconds, written at once, bounded where nobody reads. */
export interface LogOutput {
  /** Copies a line (ASCII, ending in a line feed: the first `length` bytes), or drops and counts it where the bound is reached. */
  push(line: Buffer, length: number): void;
  /** Writes what waits, now; used when the process ends. Waits for a slow reader for half a second at most. */
  flush(): void;
  /** Lines that were dropped since the start. */
  readonly dropped: number;
}

/** Bytes that may wait for a reader. Lines have about 500: some two thousand requests. The buffer grows to it only where nobody reads. */
const waitingMax = 1024 * 1024;
const waitingFirst = 64 * 1024;
/** A pipe's usual capacity: more than this is never taken in one write. */
const chunkMax = 64 * 1024;
/** A system call for each line costs as much as the rest of the line; a process that is killed (SIGKILL) loses this much at most. */
const gatherMs = 5;
const retryMs = 10;
const lineFeed = 10;
const flushMs = 500;
/** Keeps the cost of looking at process.stdout (some milliseconds) away from the first answers. */
const unblockAfterMs = 100;

export const writeToStdout: Write = (bytes) => writeSync(1, bytes);

/**
 * libuv makes a pipe or socket non-blocking when process.stdout is first looked at. Without that a reader who
 * stands still would stop the event loop, and every request with it.
 */
export const unblockStdout = (): void => {
  setTimeout(() => process.stdout, unblockAfterMs).unref();
};

/** @param notice Pushes the line that tells how many lines were dropped. */
export function createLogOutput(write: Write, notice: (lines: number) => void): LogOutput {
  let buffer = Buffer.allocUnsafe(waitingFirst);
  let waiting = 0;
  let scheduled = false;
  let closed = false;
  let dropped = 0;
  let untold = 0;

  /** @returns false where the line does not fit. */
  const keep = (line: Buffer, length: number): boolean => {
    if (waiting + length > buffer.length) {
      if (waiting + length > waitingMax) return false;
      const larger = Buffer.allocUnsafe(Math.min(waitingMax, 2 * buffer.length + length));
      buffer.copy(larger, 0, 0, waiting);
      buffer = larger;
    }
    waiting += line.copy(buffer, waiting, 0, length);
    return true;
  };

  /** @returns false where the reader takes no more now. */
  const writeWaiting = (): boolean => {
    try {
      while (waiting > 0) {
        const chunk = buffer.subarray(0, Math.min(waiting, chunkMax));
        const taken = write(chunk) ?? chunk.length;
        buffer.copyWithin(0, taken, waiting);
        waiting -= taken;
        if (waiting === 0 && untold > 0) {
          const lines = untold;
          untold = 0;
          notice(lines);
        }
      }
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
      // The reader is gone (EPIPE) or the disk is full: a log that can't be written is no reason to stop serving.
      for (let at = 0; at < waiting; at++) if (buffer[at] === lineFeed) dropped++;
      waiting = 0;
      closed = (error as NodeJS.ErrnoException).code === 'EPIPE';
      return true;
    }
  };

  const writeOut = (): void => {
    scheduled = false;
    if (writeWaiting()) return;
    scheduled = true;
    setTimeout(writeOut, retryMs).unref();
  };

  return {
    push(line, length) {
      if (closed || !keep(line, length)) {
        dropped++;
        untold++;
        return;
      }
      if (scheduled) return;
      scheduled = true;
      setTimeout(writeOut, gatherMs);
    },
    flush() {
      const until = performance.now() + flushMs;
      while (!writeWaiting() && performance.now() < until) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
    },
    get dropped() {
      return dropped;
    },
  };
}
