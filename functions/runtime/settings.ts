/** One value that a function reads from the environment: how it is parsed, and what it falls back to. */
export interface Setting<T> {
  readonly variable: string;
  /** Throws an Error whose message says what would be right; it never repeats a secret. */
  readonly parse: (text: string) => T;
  readonly fallback?: T;
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;
export type SettingsOf<Spec extends Settings> = { readonly [K in keyof Spec]: Spec[K] extends Setting<infer T> ? T : never };

export const text = (variable: string, fallback?: string): Setting<string> => ({
  variable,
  parse: (value) => value,
  ...(fallback === undefined ? {} : { fallback }),
});

/** A whole number within bounds. */
export const integer = (variable: string, bounds: { min: number; max: number; fallback?: number }): Setting<number> => ({
  variable,
  parse: (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < bounds.min || number > bounds.max)
      throw new Error(`must be a whole number from ${bounds.min} to ${bounds.max}`);
    return number;
  },
  ...(bounds.fallback === undefined ? {} : { fallback: bounds.fallback }),
});

export const flag = (variable: string, fallback: boolean): Setting<boolean> => ({
  variable,
  parse: (value) => {
    if (value !== 'true' && value !== 'false') throw new Error('must be true or false');
    return value === 'true';
  },
  fallback,
});

/** 256 random bits in base64. There is no fallback: a secret is given, or the process does not start. */
export const secretKey = (variable: string): Setting<Buffer> => ({
  variable,
  parse: (value) => {
    const key = Buffer.from(value, 'base64');
    if (key.length !== 32) throw new Error('must be 32 bytes in base64 (openssl rand -base64 32)');
    return key;
  },
});

/**
 * Reads settings from an environment, all faults at once.
 * @throws Error with one line for each variable that is missing or wrong.
 */
export function readSettings<Spec extends Settings>(
  spec: Spec,
  environment: Readonly<Record<string, string | undefined>>,
): SettingsOf<Spec> {
  const faults: string[] = [];
  const read = Object.entries(spec).map(([name, setting]) => {
    const value = environment[setting.variable];
    if (value === undefined || value === '') {
      if (setting.fallback === undefined) faults.push(`${setting.variable} is missing`);
      return [name, setting.fallback];
    }
    try {
      return [name, setting.parse(value)];
    } catch (error) {
      faults.push(`${setting.variable} ${(error as Error).message}`);
      return [name, undefined];
    }
  });
  if (faults.length > 0) throw new Error(`The environment is not complete:\n  ${faults.join('\n  ')}`);
  return Object.fromEntries(read) as SettingsOf<Spec>;
}
