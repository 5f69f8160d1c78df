import { flag, integer, readSettings, type SettingsOf, text } from './settings.ts';

/** What every function reads from its environment. A function's own settings stand in its function.ts. */
const platformSettings = {
  port: integer('PORT', { min: 0, max: 65_535, fallback: 8080 }),
  host: text('HOST', '0.0.0.0'),
  databaseUrl: text('DATABASE_URL', ''),
  databasePrepare: flag('DATABASE_PREPARE', true),
  tokenIssuer: text('TOKEN_ISSUER', 'https://record.local:8443'),
  tokenAudience: text('TOKEN_AUDIENCE', 'record-platform'),
  drainSeconds: integer('DRAIN_SECONDS', { min: 1, max: 600, fallback: 25 }),
  otlpEndpoint: text('OTEL_EXPORTER_OTLP_ENDPOINT', ''),
  revision: text('K_REVISION', ''),
};

export type Config = SettingsOf<typeof platformSettings>;

/** @throws Error that names every variable that is wrong. */
export const readConfig = (environment: Readonly<Record<string, string | undefined>>): Config =>
  readSettings(platformSettings, environment);
