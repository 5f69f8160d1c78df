// Generated from proto/auth.proto by `npm run generate`. Do not edit.

export { AuthenticateRequest as request, AuthenticateResponse as response } from '../auth.ts';
