import type { ServerHttp2Session } from 'node:http2';

/** What a session had moved when it was last looked at, and since when that has not changed. */
interface Seen {
  bytes: number;
  since: number;
}

/**
 * Closes HTTP/2 sessions on which nothing moves: clients that are gone without a word, and ones that stopped reading.
 * It looks now and then, since Node's own `session.setTimeout()` would re-arm a timer with every frame.
 */
export class IdleSessions {
  readonly #idleMs: number;
  readonly #sessions = new Map<ServerHttp2Session, Seen>();
  readonly #timer: NodeJS.Timeout;

  constructor(idleMs: number) {
    this.#idleMs = idleMs;
    this.#timer = setInterval(() => this.#look(), idleMs / 4).unref();
  }

  add(session: ServerHttp2Session): void {
    this.#sessions.set(session, { bytes: -1, since: performance.now() });
    session.once('close', () => this.#sessions.delete(session));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    for (const [session, seen] of this.#sessions) {
      const bytes = (session.socket?.bytesRead ?? 0) + (session.socket?.bytesWritten ?? 0);
      if (bytes !== seen.bytes) {
        seen.bytes = bytes;
        seen.since = now;
      } else if (now - seen.since >= this.#idleMs) session.close();
    }
  }
}
