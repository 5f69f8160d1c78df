// Generated from proto/auth.proto by `npm run generate`. Do not edit.

export { HealthCheckRequest as request, HealthCheckResponse as response } from '../auth.ts';
