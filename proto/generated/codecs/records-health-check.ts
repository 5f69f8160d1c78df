// Generated from proto/records.proto by `npm run generate`. Do not edit.

export { HealthCheckRequest as request, HealthCheckResponse as response } from '../records.ts';
