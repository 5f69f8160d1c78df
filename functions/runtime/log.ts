import type { Call, Outcome } from './call.ts';
import { describeCause, isSecretName, redact } from './log-cause.ts';
import { createLogOutput, unblockStdout, type Write, writeToStdout } from './log-output.ts';

/** What an event tells besides its name. `cause` is something thrown: it is described, and its secrets are taken out. */
export type LogFields = { readonly [name: string]: string | number | boolean | undefined } | { readonly cause: unknown };

/** JSON lines on stdout, one object each; severities as Cloud Logging names them. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The one line of a request that has been answered. */
  request(call: Pick<Call, 'requestId' | 'traceId' | 'spanId'>, outcome: Outcome): void;
  /** Writes what waits, now. Happens by itself when the process exits. */
  flush(): void;
  /** Lines that nobody read in time and that are lost. */
  readonly dropped: number;
}

type Severity = 'INFO' | 'WARNING' | 'ERROR';

const textLengthMax = 2_000;
const outsideLengthMax = 256;

const needsEscape = /[^ !#-[\]-~]/;
const notAscii = /[^\x20-\x7e]/g;
const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The inside of a JSON string. Lines are ASCII, so that characters are bytes and no terminal or encoding can break one. */
const escaped = (text: string): string => (needsEscape.test(text) ? JSON.stringify(text).slice(1, -1).replace(notAscii, escapeUnit) : text);
const bounded = (text: string): string => escaped(text.length > outsideLengthMax ? text.slice(0, outsideLengthMax) : text);
const json = (value: unknown): string => JSON.stringify(value).replace(notAscii, escapeUnit);

// Date.toISOString costs as much as the rest of a line: the part up to the second is kept for a second.
let second = -1;
let secondText = '';
function timestamp(): string {
  const now = Date.now();
  const milliseconds = now % 1000;
  if (now - milliseconds !== second) {
    second = now - milliseconds;
    secondText = new Date(second).toISOString().slice(0, 20);
  }
  return `${secondText}${milliseconds < 10 ? '00' : milliseconds < 100 ? '0' : ''}${milliseconds}Z`;
}

/**
 * Makes the log of a process. Lines gather for some milliseconds and are written at once, so a
 * process that is killed loses those; where nobody reads, lines are dropped and counted rather than kept without bound.
 * @param write Takes the text instead of stdout.
 */
export function createLog(options: { functionName: string; revision: string; write?: Write }): Log {
  const origin = `","function":"${escaped(options.functionName)}","revision":"${escaped(options.revision)}"`;
  const output = createLogOutput(options.write ?? writeToStdout, (lines) => line('WARNING', 'log lines dropped', { lines }));
  // What one request's line has in common with the last one's is kept: mostly all of it.
  let last: Pick<Outcome, 'method' | 'route' | 'dialect' | 'status' | 'code'> | undefined;
  let lastKind = '';
  const kindOf = (outcome: Outcome): string => {
    const { method, route, dialect, status, code } = outcome;
    if (last?.status === status && last.route === route && last.method === method && last.dialect === dialect && last.code === code)
      return lastKind;
    last = { method, route, dialect, status, code };
    const [name, path] = [bounded(method), bounded(route)];
    const kind = `","severity":"${status >= 500 ? 'ERROR' : 'INFO'}","message":"${name} ${path} ${status}${origin},"route":"${path}","method":"${name}","dialect":"${dialect}","status":${status},"code":"${code}"`;
    lastKind = Buffer.from(kind, 'latin1').toString('latin1'); // one flat string instead of a rope that each line would unroll
    return lastKind;
  };
  if (options.write === undefined) {
    unblockStdout();
    process.on('exit', output.flush);
  }

  function line(severity: Severity, event: string, fields: LogFields | undefined): string {
    let text = `{"time":"${timestamp()}","severity":"${severity}","message":"${escaped(event)}${origin}`;
    for (const [name, value] of Object.entries(fields ?? {})) {
      if (value === undefined) continue;
      text += `,"${escaped(name)}":`;
      if (name === 'cause') text += json(describeCause(value));
      else if (isSecretName(name)) text += '"[redacted]"';
      else text += typeof value === 'string' ? json(redact(value.slice(0, textLengthMax))) : json(value);
    }
    return `${text}}\n`;
  }

  return {
    info(event, fields) {
      output.push(line('INFO', event, fields));
    },
    warn(event, fields) {
      output.push(line('WARNING', event, fields));
    },
    error(event, fields) {
      output.push(line('ERROR', event, fields));
    },
    request(call, outcome) {
      const { status, reason, userId, callerAddress, cause } = outcome;
      // Whole microseconds: a fraction with its seventeen digits takes longer to print than the rest of the numbers.
      const microseconds = Math.round(outcome.seconds * 1e6);
      let text = `{"time":"${timestamp()}${kindOf(outcome)},"request_id":"${bounded(call.requestId)}","trace_id":"${call.traceId}","span_id":"${call.spanId}","duration_ms":${microseconds / 1000},"request_bytes":${outcome.requestBytes},"response_bytes":${outcome.responseBytes}`;
      if (reason !== undefined) text += `,"reason":"${bounded(reason)}"`;
      if (userId !== undefined) text += `,"user_id":"${bounded(userId)}"`;
      if (callerAddress !== undefined) text += `,"caller_address":"${bounded(callerAddress)}"`;
      if (status >= 500 && cause !== undefined) text += `,"cause":${json(describeCause(cause))}`;
      output.push(`${text}}\n`);
    },
    flush: output.flush,
    get dropped() {
      return output.dropped;
    },
  };
}
