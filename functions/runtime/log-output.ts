import { writeSync } from 'node:fs';

/**
 * Writes ASCII text, and says how many characters it took (all, where it says nothing).
 * Throws an error with code EAGAIN where nothing can be taken now.
 */
export type Write = (text: string) => number | undefined;

/** Lines on their way out: gathered for some milliseconds, written at once, bounded where nobody reads. */
export interface LogOutput {
  /** Takes a line (ASCII, ending in a line feed), or drops and counts it where the bound is reached. */
  push(line: string): void;
  /** Writes what waits, now; used when the process ends. Waits for a slow reader for half a second at most. */
  flush(): void;
  /** Lines that were dropped since the start. */
  readonly dropped: number;
}

/** Characters that may wait for a reader. Lines are about 500 characters: some two thousand requests. */
const waitingMax = 1024 * 1024;
/** A pipe's usual capacity: more than this is never taken in one write. */
const chunkMax = 64 * 1024;
/** A system call for each line costs as much as the rest of the line; a process that is killed (SIGKILL) loses this much at most. */
const gatherMs = 5;
const retryMs = 10;
const flushMs = 500;
/** Keeps the cost of looking at process.stdout (some milliseconds) away from the first answers. */
const unblockAfterMs = 100;

export const writeToStdout: Write = (text) => writeSync(1, text, null, 'latin1');

/**
 * libuv makes a pipe or socket non-blocking when process.stdout is first looked at. Without that a reader who
 * stands still would stop the event loop, and every request with it.
 */
export const unblockStdout = (): void => {
  setTimeout(() => process.stdout, unblockAfterMs).unref();
};

/** @param notice Makes the line that tells how many lines were dropped. */
export function createLogOutput(write: Write, notice: (lines: number) => string): LogOutput {
  let waiting = '';
  let scheduled = false;
  let closed = false;
  let dropped = 0;
  let untold = 0;

  /** @returns false where the reader takes no more now. */
  const writeWaiting = (): boolean => {
    try {
      while (waiting !== '') {
        const chunk = waiting.length > chunkMax ? waiting.slice(0, chunkMax) : waiting;
        const taken = write(chunk) ?? chunk.length;
        waiting = taken === waiting.length ? '' : waiting.slice(taken);
        if (waiting === '' && untold > 0) {
          waiting = notice(untold);
          untold = 0;
        }
      }
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
      // The reader is gone (EPIPE) or the disk is full: a log that can't be written is no reason to stop serving.
      dropped += waiting.split('\n').length - 1;
      waiting = '';
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
    push(line) {
      if (closed || waiting.length + line.length > waitingMax) {
        dropped++;
        untold++;
        return;
      }
      waiting += line;
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
