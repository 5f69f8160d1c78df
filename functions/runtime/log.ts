import type { Call, Outcome } from './call.ts';
import { describeCause, isSecretName, redact } from './log-cause.ts';
import { beginLine } from './log-clock.ts';
import { LogLine } from './log-line.ts';
import { createLogOutput, unblockStdout, type Write, writeToStdout } from './log-output.ts';
import { RequestLine } from './log-request.ts';
import { escaped, json } from './log-text.ts';

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

/**
 * Makes the log of a process. Lines gather for some milliseconds and are written at once, so a
 * process that is killed loses those; where nobody reads, lines are dropped and counted rather than kept without bound.
 * @param write Takes the text instead of stdout.
 */
export function createLog(options: { functionName: string; revision: string; write?: Write }): Log {
  const origin = `","function":"${escaped(options.functionName)}","revision":"${escaped(options.revision)}"`;
  const output = createLogOutput(options.write ?? writeToStdout, (lines) => event('WARNING', 'log lines dropped', { lines }));
  const line = new LogLine();
  const requestLine = new RequestLine(origin);
  if (options.write === undefined) {
    unblockStdout();
    process.on('exit', output.flush);
  }

  function push(line: LogLine): void {
    line.ascii('\n');
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
    line.ascii('}');
    push(line);
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
      requestLine.write(call, outcome);
      push(requestLine);
    },
    flush: output.flush,
    get dropped() {
      return output.dropped;
    },
  };
}
