import type { Call, Outcome } from './call.ts';
import { describeCause, isSecretName, redact } from './log-cause.ts';
import { LogLine } from './log-line.ts';
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
const bounded = (text: string): string => (text.length > outsideLengthMax ? text.slice(0, outsideLengthMax) : text);
const json = (value: unknown): string => JSON.stringify(value).replace(notAscii, escapeUnit);

// Date.toISOString costs as much as the rest of a line: the part up to the second is kept for a second.
let second = -1;
let secondText = '';
function beginLine(line: LogLine): void {
  const now = Date.now();
  const milliseconds = now % 1000;
  if (now - milliseconds !== second) {
    second = now - milliseconds;
    secondText = `{"time":"${new Date(second).toISOString().slice(0, 20)}`;
  }
  line.length = 0;
  line.ascii(secondText);
  line.threeDigits(milliseconds);
}

/** What stands between the values of a request's line. */
const names = {
  traceId: Buffer.from('","trace_id":"'),
  spanId: Buffer.from('","span_id":"'),
  duration: Buffer.from('","duration_ms":'),
  requestBytes: Buffer.from(',"request_bytes":'),
  responseBytes: Buffer.from(',"response_bytes":'),
  userId: Buffer.from(',"user_id":"'),
};

/**
 * Makes the log of a process. Lines gather for some milliseconds and are written at once, so a
 * process that is killed loses those; where nobody reads, lines are dropped and counted rather than kept without bound.
 * @param write Takes the text instead of stdout.
 */
export function createLog(options: { functionName: string; revision: string; write?: Write }): Log {
  const origin = `","function":"${escaped(options.functionName)}","revision":"${escaped(options.revision)}"`;
  const output = createLogOutput(options.write ?? writeToStdout, (lines) => event('WARNING', 'log lines dropped', { lines }));
  const line = new LogLine();
  // What one request's line has in common with the last one's is kept: mostly all of it.
  let last: Pick<Outcome, 'method' | 'route' | 'dialect' | 'status' | 'code'> | undefined;
  let lastKind = Buffer.alloc(0);
  const kindOf = (outcome: Outcome): Buffer => {
    const { method, route, dialect, status, code } = outcome;
    if (last?.status === status && last.route === route && last.method === method && last.dialect === dialect && last.code === code)
      return lastKind;
    last = { method, route, dialect, status, code };
    const [name, path] = [escaped(bounded(method)), escaped(bounded(route))];
    lastKind = Buffer.from(
      `Z","severity":"${status >= 500 ? 'ERROR' : 'INFO'}","message":"${name} ${path} ${status}${origin},"route":"${path}","method":"${name}","dialect":"${dialect}","status":${status},"code":"${code}","request_id":"`,
      'latin1',
    );
    return lastKind;
  };
  if (options.write === undefined) {
    unblockStdout();
    process.on('exit', output.flush);
  }

  function field(name: string, value: string): void {
    line.ascii(',"');
    line.ascii(name);
    line.ascii('":"');
    line.value(bounded(value), escaped);
    line.ascii('"');
  }

  function push(): void {
    line.ascii('}\n');
    output.push(line.bytes, line.length);
  }

  function event(severity: Severity, name: string, fields: LogFields | undefined): void {
    beginLine(line);
    line.ascii(`Z","severity":"${severity}","message":"${escaped(name)}${origin}`);
    for (const [name, value] of Object.entries(fields ?? {})) {
      if (value === undefined) continue;
      line.ascii(`,"${escaped(name)}":`);
      if (name === 'cause') line.ascii(json(describeCause(value)));
      else if (isSecretName(name)) line.ascii('"[redacted]"');
      else line.ascii(typeof value === 'string' ? json(redact(value.slice(0, textLengthMax))) : json(value));
    }
    push();
  }

  return {
    info(name, fields) {
      event('INFO', name, fields);
    },
    warn(name, fields) {
      event('WARNING', name, fields);
    },
    error(name, fields) {
      event('ERROR', name, fields);
    },
    request(call, outcome) {
      const { status, reason, userId, callerAddress, cause } = outcome;
      const microseconds = Math.round(outcome.seconds * 1e6);
      const milliseconds = Math.floor(microseconds / 1000);
      beginLine(line);
      line.block(kindOf(outcome));
      line.value(bounded(call.requestId), escaped);
      line.block(names.traceId);
      line.ascii(call.traceId);
      line.block(names.spanId);
      line.ascii(call.spanId);
      line.block(names.duration);
      line.ascii(String(milliseconds));
      line.ascii('.');
      line.threeDigits(microseconds - 1000 * milliseconds);
      line.block(names.requestBytes);
      line.ascii(String(outcome.requestBytes));
      line.block(names.responseBytes);
      line.ascii(String(outcome.responseBytes));
      if (reason !== undefined) field('reason', reason);
      if (userId !== undefined) {
        line.block(names.userId);
        line.value(bounded(userId), escaped);
        line.ascii('"');
      }
      if (callerAddress !== undefined) field('caller_address', callerAddress);
      if (status >= 500 && cause !== undefined) line.ascii(`,"cause":${json(describeCause(cause))}`);
      push();
    },
    flush: output.flush,
    get dropped() {
      return output.dropped;
    },
  };
}
