/** What a log line tells of an error: never more than these fields, each of them without values from requests or secrets. */
export interface Cause {
  readonly type: string;
  readonly message: string;
  /** SQLSTATE, errno name or the library's own code. */
  readonly code?: string;
  /** Names that PostgreSQL gives with a violated constraint. */
  readonly constraint?: string;
  readonly table?: string;
  readonly stack?: string;
  readonly cause?: Cause;
  readonly errors?: readonly Cause[];
}

const depthMax = 6;
const errorsMax = 5;
const messageLengthMax = 1_000;
const framesMax = 20;

const hidden = '[redacted]';
const secretWord = 'pass(?:word|wd|phrase)?|pwd|secret|token|authorization|cookie|api[_-]?key|private[_-]?key|credentials?';

const secrets: readonly [RegExp, string][] = [
  // Whole connection strings, and the credentials of any other URL.
  [/\bpostgres(?:ql)?:\/\/[^\s"'`]+/gi, `postgres://${hidden}`],
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'@]*@/gi, `$1${hidden}@`],
  // RFC 6750 and RFC 7617 headers, JSON Web Tokens, bcrypt and SCRAM verifiers, PEM.
  [/\b(bearer|basic)\s+[\w.~+/=-]+/gi, `$1 ${hidden}`],
  [/\beyJ[\w-]{5,}(?:\.[\w-]*){0,4}/g, hidden],
  [/\$2[abxy]\$\d\d\$[./A-Za-z0-9]*/g, hidden],
  [/SCRAM-SHA-256\$\S+/g, hidden],
  [/-----BEGIN [^-]*-----[\s\S]*?(?:-----END [^-]*-----|$)/g, hidden],
  // password=…, "refresh_token": "…", libpq's key = 'value'.
  [new RegExp(`([\\w-]*(?:${secretWord})[\\w-]*["']?\\s*[=:]\\s*)(?:"[^"]*"?|'[^']*'?|[^\\s,;&})\\]]+)`, 'gi'), `$1${hidden}`],
  // Keys and opaque tokens: base64 of 30 bytes and more, also URL-safe. Paths have slashes, UUIDs and trace ids are shorter.
  [/[A-Za-z0-9_-]{40,}/g, hidden],
  [/[A-Za-z0-9+/]{40,}={1,2}/g, hidden],
  [/[^\s@/"'<>()=:,]+@[^\s@/"'<>()]+\.[a-z]{2,}/gi, '[e-mail]'],
];

/** Takes tokens, passwords, keys, connection strings and e-mail addresses out of a text. */
export function redact(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of secrets) clean = clean.replace(pattern, replacement);
  return clean;
}

/** True for names of fields whose value is never written, whatever it is. */
export const isSecretName = (name: string): boolean => secretName.test(name);
const secretName = new RegExp(secretWord, 'i');

/** PostgreSQL's class 22 and V8's JSON parser quote what they could not read: a piece of a request. */
const quotesItsInput = (error: Error, code: string | undefined): boolean =>
  error instanceof SyntaxError || (code !== undefined && /^22[0-9A-Z]{3}$/.test(code));

const identifier = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(value) ? value : undefined;

function framesOf(error: Error): string | undefined {
  if (typeof error.stack !== 'string') return undefined;
  const frames = error.stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, framesMax)
    .map((line) => line.trim());
  return frames.length === 0 ? undefined : redact(frames.join('\n'));
}

function messageOf(error: Error, code: string | undefined): string {
  let message = String(error.message).slice(0, messageLengthMax);
  if (quotesItsInput(error, code)) message = message.replace(/"[\s\S]*"|'[\s\S]*'/g, `"${hidden}"`);
  return redact(message);
}

/**
 * Describes what was thrown, with its chain of causes. It picks known fields: a driver's error also carries the
 * statement, its parameters and the row that failed, and those stay inside.
 */
export function describeCause(thrown: unknown, depth = 0): Cause {
  if (!(thrown instanceof Error)) {
    const message = typeof thrown === 'string' ? redact(thrown.slice(0, messageLengthMax)) : '';
    return { type: thrown === null ? 'null' : typeof thrown, message };
  }
  const fields = thrown as Error & { code?: unknown; constraint_name?: unknown; table_name?: unknown; errors?: unknown };
  const code = typeof fields.code === 'number' ? String(fields.code) : identifier(fields.code);
  const deeper = depth + 1 < depthMax;
  const errors =
    deeper && Array.isArray(fields.errors) ? fields.errors.slice(0, errorsMax).map((error) => describeCause(error, depth + 1)) : [];
  return {
    type: identifier(thrown.name) ?? 'Error',
    message: messageOf(thrown, code),
    code,
    constraint: identifier(fields.constraint_name),
    table: identifier(fields.table_name),
    stack: framesOf(thrown),
    cause: deeper && thrown.cause !== undefined ? describeCause(thrown.cause, depth + 1) : undefined,
    errors: errors.length === 0 ? undefined : errors,
  };
}
